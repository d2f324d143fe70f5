"""What every container registry does."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
from attrs import evolve, frozen

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import call
from plugbay_hookspecs.types import Image

HOSTILE_NAMES = (
    ("../up", "1"),
    ("/etc/up", "1"),
    ("a//b", "1"),
    ("", "1"),
    ("a\0b", "1"),
    ("a", "../up"),
    ("a", "x/y"),
    ("a", ""),
)
NOWHERE = "sha256:" + "0" * 64


def make_image(archive: Path, text: str, layers: int = 2) -> Image:
    """Write the archive of a small image with a text in it; the same text makes the same image."""
    blobs: dict[str, bytes] = {}

    def add(content: bytes, media_type: str) -> dict[str, Any]:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        blobs[digest] = content
        return {"mediaType": f"application/vnd.oci.image.{media_type}", "digest": digest, "size": len(content)}

    contents = [_tar({f"file-{number}": f"{text} {number}".encode()}) for number in range(layers)]
    described = [add(content, "layer.v1.tar") for content in contents]
    rootfs = {"type": "layers", "diff_ids": [each["digest"] for each in described]}
    config = {"architecture": "amd64", "os": "linux", "config": {"Env": [f"TEXT={text}"]}, "rootfs": rootfs}
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": add(json.dumps(config).encode(), "config.v1+json"),
        "layers": described,
    }
    image = add(json.dumps(manifest).encode(), "manifest.v1+json")
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [image]}
    files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": json.dumps(index).encode()}
    files |= {f"blobs/{digest.replace(':', '/')}": content for digest, content in blobs.items()}
    archive.write_bytes(_tar(files))
    return Image(reference="localhost/made:latest", digest=image["digest"], archive=archive)


def blobs_in(archive: Path) -> dict[str, bytes]:
    """The blobs of an archive by their digests, each checked."""
    with tarfile.open(archive, "r:") as tar:
        files = {member.name.removeprefix("./"): tar.extractfile(member) for member in tar if member.isreg()}
        blobs = {name.removeprefix("blobs/").replace("/", ":"): file.read() for name, file in files.items() if file}
    assert json.loads(blobs.pop("oci-layout"))["imageLayoutVersion"] == "1.0.0"
    listed = json.loads(blobs.pop("index.json"))["manifests"]
    assert len(listed) == 1, "an archive has another number of images than one"
    assert listed[0]["digest"] in blobs
    for digest, content in blobs.items():
        assert digest == f"sha256:{hashlib.sha256(content).hexdigest()}", "a blob in an archive has a wrong digest"
    return blobs


@frozen
class RegistryHooks:
    """The hooks of a registry, by repository and tag."""

    hooks: Any

    def reference(self, tag: str = "1", repository: str = "ml/flights") -> str:
        """Name an image."""
        reference: str = self.hooks.container_registry_reference(repository=repository, tag=tag)
        return reference

    def push(self, image: Image, tag: str = "1", repository: str = "ml/flights") -> str:
        """Push an image."""
        digest: str = self.hooks.container_registry_push(image=image, reference=self.reference(tag, repository))
        return digest

    def pull(self, archive: Path, tag: str = "1", repository: str = "ml/flights") -> Image:
        """Pull an image."""
        image: Image = self.hooks.container_registry_pull(reference=self.reference(tag, repository), archive=archive)
        return image

    def resolve(self, tag: str = "1", repository: str = "ml/flights") -> str | None:
        """Look an image up."""
        digest: str | None = self.hooks.container_registry_resolve(reference=self.reference(tag, repository))
        return digest

    def tags(self, repository: str = "ml/flights") -> list[str]:
        """List the tags of a repository."""
        return list(self.hooks.container_registry_list(repository=repository))

    def delete(self, tag: str = "1", repository: str = "ml/flights") -> bool:
        """Delete a tag or an image."""
        existed: bool = self.hooks.container_registry_delete(reference=self.reference(tag, repository))
        return existed


class ContainerRegistryContract(ComponentContract):
    """Tests of a container registry."""

    component_type: ClassVar[str] = "container_registry"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {"login", "pull", "list", "delete", "delete_one_tag", "keep_digest"}
    )
    """``delete_one_tag``: of an image that has others; ``keep_digest``: an image has the digest that it was built with."""

    @pytest.fixture
    def registry(self, hooks: Any) -> RegistryHooks:
        """The hooks of the registry."""
        return RegistryHooks(hooks)

    @pytest.fixture
    def image(self, tmp_path: Path) -> Image:
        """An image with an archive."""
        return make_image(tmp_path / "image.tar", "first")

    @pytest.fixture
    def other(self, tmp_path: Path) -> Image:
        """Another image."""
        return make_image(tmp_path / "other.tar", "second")

    def test_references_tell_images_apart(self, registry: RegistryHooks) -> None:
        """By repository, tag and digest; the image need not exist."""
        named = [("1", "ml/flights"), ("2", "ml/flights"), ("1", "ml/other"), (NOWHERE, "ml/flights")]
        references = [registry.reference(tag, repository) for tag, repository in named]
        assert len(set(references)) == len(named)
        assert references == [registry.reference(tag, repository) for tag, repository in named]
        assert references[3].endswith(f"ml/flights@{NOWHERE}")

    def test_what_was_pushed_is_resolved(self, registry: RegistryHooks, image: Image) -> None:
        """By its tag and by its digest; pushing again changes nothing."""
        for _ in range(2):
            digest = registry.push(image)
            assert registry.resolve() == digest
            assert registry.resolve(digest) == digest, "an image is not found by its digest"
        if "keep_digest" not in self.lacking:
            assert digest == image.digest, "an image has another digest than it was built with"

    def test_an_absent_image_is_none(self, registry: RegistryHooks, image: Image, tmp_path: Path) -> None:
        """Of a repository that is there, or is not."""
        digest = registry.push(image)
        for tag, repository in (("2", "ml/flights"), ("1", "ml/none"), (NOWHERE, "ml/flights"), ("1", "ml")):
            assert registry.resolve(tag, repository) is None
            if "pull" not in self.lacking:
                with pytest.raises(FileNotFoundError):
                    registry.pull(tmp_path / "pulled.tar", tag, repository)
            if "delete" not in self.lacking:
                assert registry.delete(tag, repository) is False
        assert registry.resolve() == digest

    def test_a_tag_means_what_was_pushed_last(self, registry: RegistryHooks, image: Image, other: Image) -> None:
        """And a digest always the same."""
        first, second = registry.push(image), registry.push(other)
        assert registry.resolve() == second != first
        assert registry.resolve(first) == first, "an image is lost with its tag"

    def test_what_was_pushed_is_pulled(self, registry: RegistryHooks, image: Image, tmp_path: Path) -> None:
        """The layers as they were, the image with the digest that it is known by."""
        self.need("pull")
        digest = registry.push(image)
        for tag in ("1", digest):
            archive = tmp_path / "pulled.tar"
            pulled = registry.pull(archive, tag)
            assert (pulled.digest, pulled.archive) == (digest, archive)
            assert digest in blobs_in(archive)
            if "keep_digest" not in self.lacking:
                assert image.archive is not None
                assert blobs_in(archive) == blobs_in(image.archive), "an image is pulled changed"
        assert registry.push(evolve(pulled, reference="again"), "again") == digest

    def test_tags_are_listed_by_name(self, registry: RegistryHooks, image: Image) -> None:
        """Of one repository, and no other whose name begins alike."""
        self.need("list")
        assert registry.tags() == []
        for tag in ("b", "1.0", "A", "1", "10"):
            registry.push(image, tag)
        registry.push(image, "x", "ml/flights-2")
        assert registry.tags() == sorted(["b", "1.0", "A", "1", "10"]), "tags are not in the order of their names"
        assert registry.tags("ml/none") == []

    def test_deleting_a_tag_keeps_the_others(self, registry: RegistryHooks, image: Image) -> None:
        """Idempotent."""
        self.need("delete")
        self.need("delete_one_tag")
        digest = registry.push(image, "1")
        registry.push(image, "2")
        assert registry.delete("1") is True
        assert registry.delete("1") is False
        assert registry.resolve("1") is None
        assert registry.resolve("2") == digest, "another tag was deleted"

    def test_deleting_a_digest_takes_the_image(
        self, registry: RegistryHooks, image: Image, other: Image, tmp_path: Path
    ) -> None:
        """With all its tags; what other images share with it stays."""
        self.need("delete")
        sharing = make_image(tmp_path / "sharing.tar", "first", layers=1)
        digest, kept = registry.push(image, "1"), registry.push(sharing, "3")
        registry.push(image, "2")
        registry.push(other, "4")
        assert registry.delete(digest) is True
        assert registry.delete(digest) is False
        assert [registry.resolve(tag) for tag in ("1", "2", digest)] == [None] * 3, "an image or a tag of it stayed"
        if "pull" not in self.lacking:
            assert kept in blobs_in(registry.pull(tmp_path / "kept.tar", "3").archive or Path())

    def test_an_image_that_cannot_be_read_is_refused(
        self, registry: RegistryHooks, image: Image, tmp_path: Path
    ) -> None:
        """It is not found afterwards, not by its tag either."""
        assert image.archive is not None
        whole = image.archive.read_bytes()
        changed = whole.replace(b"first 1", b"FIRST 1")
        assert changed != whole
        for content in (b"", b"no archive", whole[: len(whole) // 2], changed):
            image.archive.write_bytes(content)
            with pytest.raises((ValueError, OSError)):
                registry.push(image)
            assert registry.resolve() is None, "an image that was refused is found"
        with pytest.raises((ValueError, OSError)):
            registry.push(Image(reference="no/such:image", digest=NOWHERE))

    @pytest.mark.parametrize(("repository", "tag"), HOSTILE_NAMES, ids=ascii)
    def test_a_hostile_name_is_refused(self, registry: RegistryHooks, image: Image, repository: str, tag: str) -> None:
        """At the latest when an image is pushed."""
        with pytest.raises((ValueError, OSError)):
            registry.push(image, tag, repository)

    def test_images_pushed_at_once_are_all_there(self, component: Any, registry: RegistryHooks, tmp_path: Path) -> None:
        """Of several processes, to one repository; a layer that they share is whole."""
        scripts = []
        for process in range(self.processes):
            images = [make_image(tmp_path / f"{process}-{n}.tar", "shared", layers=1 + n + process) for n in range(4)]
            scripts.append(
                [
                    call("container_registry_push", image=image, reference=registry.reference(f"{process}-{number}"))
                    for number, image in enumerate(images)
                ]
            )
        outcomes = self.at_once(component, scripts)
        assert not [each.error for script in outcomes for each in script if each.error], "a push failed"
        for process, script in enumerate(outcomes):
            for number, outcome in enumerate(script):
                assert registry.resolve(f"{process}-{number}") == outcome.value, "an image that was pushed is lost"
                if "pull" not in self.lacking:
                    blobs_in(registry.pull(tmp_path / "pulled.tar", f"{process}-{number}").archive or Path())

    def test_a_tag_means_a_whole_image_at_any_time(
        self, component: Any, registry: RegistryHooks, image: Image, other: Image
    ) -> None:
        """While another process pushes to it, and after that was killed."""
        digests = {registry.push(other), registry.push(image)}
        script = [
            call("container_registry_push", image=each, reference=registry.reference()) for each in (other, image)
        ]
        with self.over_and_over(component, script):
            ends = time.monotonic() + 0.7
            while time.monotonic() < ends:
                assert registry.resolve() in digests, "a tag meant no image for a moment"
        assert registry.resolve() in digests
        assert registry.push(image, "after") == registry.resolve("after"), "a killed push blocks the next"

    def test_a_login_shows_no_password(self, registry: RegistryHooks) -> None:
        """``None`` when everybody is let in."""
        self.need("login")
        login = registry.hooks.container_registry_login()
        if login is not None:
            assert login.server, "a login names no server"
            if login.password is not None:
                assert login.password.reveal() not in repr(login), "a password is shown"

    def test_what_is_lacking_answers_nothing(self, registry: RegistryHooks, image: Image, tmp_path: Path) -> None:
        """A capability that is there is not declared as lacking."""
        registry.push(image)
        reference = registry.reference()
        arguments: dict[str, dict[str, Any]] = {
            "login": {},
            "pull": {"reference": reference, "archive": tmp_path / "pulled.tar"},
            "list": {"repository": "ml/flights"},
        }
        for capability in self.lacking.keys() & arguments.keys():
            hook = getattr(registry.hooks, f"container_registry_{capability}")
            assert hook(**arguments[capability]) is None, f"{capability} is there, and declared as lacking"


def _tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return written.getvalue()
