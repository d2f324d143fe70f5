"""A container registry without a server."""

from __future__ import annotations

import hashlib
import io
import json
import re
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Image

_REPOSITORY = re.compile(r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Images:
    """The blobs of each image, by repository and digest, and the digest of each tag."""

    def __init__(self) -> None:
        """Have no images yet."""
        self.blobs: dict[tuple[str, str], Mapping[str, bytes]] = {}
        self.tagged: dict[tuple[str, str], str] = {}

    def push(self, repository: str, tag: str, digest: str, blobs: Mapping[str, bytes]) -> None:
        """Keep an image under a tag."""
        self.blobs[repository, digest] = blobs
        if tag != digest:
            self.tagged[repository, tag] = digest

    def resolve(self, repository: str, tag: str) -> str | None:
        """The digest that a tag or a digest means."""
        return tag if (repository, tag) in self.blobs else self.tagged.get((repository, tag))

    def pull(self, repository: str, tag: str) -> tuple[str, Mapping[str, bytes]] | None:
        """An image with its digest."""
        digest = self.resolve(repository, tag)
        return None if digest is None else (digest, self.blobs[repository, digest])

    def tags(self, repository: str) -> list[str]:
        """The tags of a repository, in order."""
        return sorted(tag for found, tag in self.tagged if found == repository)

    def delete(self, repository: str, tag: str) -> bool:
        """Forget a tag, or an image with its tags."""
        if (repository, tag) not in self.blobs:
            return self.tagged.pop((repository, tag), None) is not None
        del self.blobs[repository, tag]
        self.tagged = {key: digest for key, digest in self.tagged.items() if (key[0], digest) != (repository, tag)}
        return True


@component
class FakeContainerRegistry:
    """Keeps images in memory."""

    server: str = "registry.fake"
    kept: Any = field(factory=lambda: Shared(Images()), repr=False)

    @hookimpl
    def container_registry_reference(self, repository: str, tag: str) -> str:
        if not _REPOSITORY.fullmatch(repository) or not (_TAG.fullmatch(tag) or _DIGEST.fullmatch(tag)):
            msg = f"{repository!r} with {tag!r} names no image: a repository is lower-case, a tag letters and digits"
            raise ValueError(msg)
        return f"{self.server}/{repository}{'@' if ':' in tag else ':'}{tag}"

    @hookimpl
    def container_registry_push(self, image: Image, reference: str) -> str:
        if image.archive is None:
            msg = f"image {image.reference} has no archive, so the fake cannot read it"
            raise ValueError(msg)
        digest, blobs = read_archive(image.archive)
        self.kept.push(*self._parts(reference), digest, blobs)
        return digest

    @hookimpl
    def container_registry_pull(self, reference: str, archive: Path) -> Image:
        found = self.kept.pull(*self._parts(reference))
        if found is None:
            raise FileNotFoundError(reference)
        digest, blobs = found
        write_archive(archive, digest, blobs)
        return Image(reference=reference, digest=digest, archive=archive)

    @hookimpl
    def container_registry_resolve(self, reference: str) -> str | None:
        digest: str | None = self.kept.resolve(*self._parts(reference))
        return digest

    @hookimpl
    def container_registry_list(self, repository: str) -> Sequence[str]:
        tags: Sequence[str] = self.kept.tags(repository)
        return tags

    @hookimpl
    def container_registry_delete(self, reference: str) -> bool:
        existed: bool = self.kept.delete(*self._parts(reference))
        return existed

    def _parts(self, reference: str) -> tuple[str, str]:
        """The repository, and the tag or digest."""
        name = reference.removeprefix(f"{self.server}/")
        repository, _, tag = name.partition("@") if "@" in name else name.rpartition(":")
        return repository, tag


def read_archive(path: Path) -> tuple[str, Mapping[str, bytes]]:
    """The digest of the image in an archive, and its blobs. Raises ``ValueError`` for one that is not whole."""
    try:
        with tarfile.open(path, "r:") as tar:
            files = {member.name: tar.extractfile(member) for member in tar if member.isreg()}
            content = {name.removeprefix("./"): file.read() for name, file in files.items() if file}
        digest: str = json.loads(content["index.json"])["manifests"][0]["digest"]
        manifest = json.loads(content[_blob(digest)])
        needed = [digest, manifest["config"]["digest"], *(layer["digest"] for layer in manifest["layers"])]
        blobs = {each: content[_blob(each)] for each in needed}
    except (tarfile.TarError, ValueError, LookupError) as error:
        msg = f"{path} is no archive of an image: {type(error).__name__}: {error}"
        raise ValueError(msg) from error
    for name, blob in blobs.items():
        if name != _digest(blob):
            msg = f"{path} is damaged: the blob {name} has the digest {_digest(blob)}"
            raise ValueError(msg)
    return digest, blobs


def write_archive(path: Path, digest: str, blobs: Mapping[str, bytes]) -> None:
    """Write an image as an OCI image layout in a tar file."""
    described = {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": digest,
        "size": len(blobs[digest]),
    }
    index = {"schemaVersion": 2, "manifests": [described]}
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
    path.write_bytes(tar_of({**files, **{_blob(name): blob for name, blob in blobs.items()}}))


def make_image(layer: bytes, config: Mapping[str, object]) -> tuple[str, Mapping[str, bytes]]:
    """The digest and the blobs of an image with one layer; the same parts make the same image."""
    blobs: dict[str, bytes] = {}

    def add(content: bytes, media_type: str) -> dict[str, object]:
        blobs[_digest(content)] = content
        kind = f"application/vnd.oci.image.{media_type}"
        return {"mediaType": kind, "digest": _digest(content), "size": len(content)}

    layers = [add(layer, "layer.v1.tar")]
    filled = {**config, "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]}}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": add(json.dumps(filled, sort_keys=True).encode(), "config.v1+json"),
        "layers": layers,
    }
    add(json.dumps(manifest).encode(), "manifest.v1+json")
    return next(reversed(blobs)), blobs


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """Files as a tar archive, the same for the same files."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"
