"""An image as one file: an OCI image layout in an uncompressed tar archive."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from plugbay_local.images.content import INDEX_TYPE, LARGEST_DOCUMENT, LAYOUT, Descriptor, checked, hexadecimal


class Archive:
    """An archive that is open for reading."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        """Look at what is in it; nothing is unpacked, and only regular files count."""
        self._tar = tar
        self._members = {member.name.removeprefix("./"): member for member in tar if member.isreg()}

    def image(self, digest: str) -> Descriptor:
        """The descriptor of the image; raise ``ValueError`` when it is not in the archive."""
        listed = json.loads(self._small("index.json"))["manifests"]
        found: Descriptor | None = next((each for each in listed if each.get("digest") == digest), None)
        if found is None:
            msg = f"the archive does not hold the image {digest}"
            raise ValueError(msg)
        return found

    def document(self, descriptor: Descriptor) -> bytes:
        """The bytes of a manifest or an index."""
        digest = descriptor["digest"]
        return checked(self._small(_name(digest)), digest)

    def open(self, digest: str) -> IO[bytes]:
        """Open a blob."""
        return self._open(_name(digest))

    def _small(self, name: str) -> bytes:
        with self._open(name) as file:
            content = file.read(LARGEST_DOCUMENT + 1)
        if len(content) > LARGEST_DOCUMENT:
            msg = f"{name} in the archive is larger than {LARGEST_DOCUMENT} bytes"
            raise ValueError(msg)
        return content

    def _open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        file = None if member is None else self._tar.extractfile(member)
        if file is None:
            msg = f"the archive has no {name}"
            raise ValueError(msg)
        return file


@contextmanager
def reading(path: Path) -> Iterator[Archive]:
    """Open an archive. Raises ``ValueError`` for what is none, also while it is read."""
    try:
        with tarfile.open(path, "r:") as tar:
            yield Archive(tar)
    except (tarfile.TarError, EOFError, KeyError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{path} is no OCI image layout as an uncompressed tar file: {error!r}"
        raise ValueError(msg) from error


def write(path: Path, image: Descriptor, blobs: Iterable[str], opened: Callable[[str], IO[bytes]]) -> None:
    """Write an image. The same image makes the same file."""
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [image]}
    with tarfile.open(path, "w") as tar:
        for name, content in (("oci-layout", LAYOUT), ("index.json", json.dumps(index).encode())):
            _add(tar, name, len(content), io.BytesIO(content))
        for digest in blobs:
            with opened(digest) as blob:
                size = blob.seek(0, io.SEEK_END)
                blob.seek(0)
                _add(tar, _name(digest), size, blob)


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = size
    tar.addfile(member, content)


def _name(digest: str) -> str:
    return f"blobs/sha256/{hexadecimal(digest)}"
