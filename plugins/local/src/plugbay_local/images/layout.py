"""A directory of images: an OCI image layout, whose index is replaced as a whole by one process at a time.

Each image has an entry for each tag, named ``repository:tag``, and one of its own, named ``repository@digest``, which
stays when a tag is moved to another image.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from plugbay_local.images import archive as archives
from plugbay_local.images.content import (
    INDEX_TYPE,
    LAYOUT,
    REFERENCE_NAME,
    Descriptor,
    blobs_of,
    checked,
    copy_checked,
    hexadecimal,
)
from plugbay_local.objects.directories import SCRATCH
from plugbay_local.objects.flushing import flush

_LOCK = ".lock"
_ATTEMPTS = 100


class Layout:
    """An OCI image layout in a directory, which need not exist before something is pushed."""

    def __init__(self, root: Path) -> None:
        """Refer to a directory."""
        self._root = root
        self._blobs = root / "blobs" / "sha256"

    def entries(self) -> dict[str, Descriptor]:
        """The descriptors of images by the names of their entries. Raises ``OSError`` for an index that is damaged."""
        try:
            content = (self._root / "index.json").read_bytes()
        except FileNotFoundError:
            return {}
        try:
            listed = json.loads(content)["manifests"]
            named = {each.get("annotations", {}).get(REFERENCE_NAME): each for each in listed}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            msg = f"the index of images is damaged: {self._root / 'index.json'}"
            raise OSError(msg) from error
        return {name: each for name, each in named.items() if isinstance(name, str)}

    def push(self, path: Path, digest: str, names: list[str]) -> None:
        """Take an image from an archive and enter it under names. Raises ``ValueError`` for one that is damaged."""
        scratch = self._root / SCRATCH / f"push-{os.urandom(8).hex()}"
        scratch.mkdir(parents=True)
        try:
            with archives.reading(path) as archive:
                image = archive.image(digest)
                wanted = [each["digest"] for each in blobs_of(dict(image), archive.document)]
                for _ in range(_ATTEMPTS):
                    self._unpack(archive, wanted, scratch)
                    if self._enter(image, wanted, scratch, names):
                        return
            msg = f"the blobs of {digest} were deleted while they were pushed, {_ATTEMPTS} times"
            raise OSError(msg)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def pull(self, image: Descriptor, path: Path) -> None:
        """Write an image to an archive. Raises ``OSError`` when a blob is gone or damaged."""
        part = path.with_name(f"{path.name}.{os.urandom(4).hex()}.part")
        try:
            blobs = [each["digest"] for each in blobs_of(dict(image), self._document)]
            for digest in blobs:
                with self._open(digest) as blob, Path(os.devnull).open("wb") as nowhere:
                    copy_checked(blob, nowhere, digest)
            archives.write(part, image, blobs, self._open)
            part.replace(path)
        except (ValueError, KeyError, TypeError) as error:
            msg = f"the image {image.get('digest')} in {self._root} is damaged: {error}"
            raise OSError(msg) from error
        finally:
            part.unlink(missing_ok=True)

    def remove(self, chosen: Callable[[str, Descriptor], bool]) -> bool:
        """Remove entries, then the blobs that belong to no image any more; return whether there were any."""
        if not self._root.exists():
            return False
        with self._locked():
            entries = self.entries()
            kept = {name: each for name, each in entries.items() if not chosen(name, each)}
            if len(kept) == len(entries):
                return False
            self._replace_index(kept)
            used = {blob["digest"] for each in kept.values() for blob in blobs_of(dict(each), self._document)}
            for blob in self._blobs.iterdir():
                if f"sha256:{blob.name}" not in used:
                    blob.unlink(missing_ok=True)
            return True

    def _unpack(self, archive: archives.Archive, wanted: list[str], scratch: Path) -> None:
        """Write the blobs that are not there yet to ``scratch``."""
        for digest in wanted:
            name = hexadecimal(digest)
            if (self._blobs / name).exists() or (scratch / name).exists():
                continue
            with archive.open(digest) as source, (scratch / name).open("wb") as target:
                copy_checked(source, target, digest)
                target.flush()
                flush(target.fileno())

    def _enter(self, image: Descriptor, wanted: list[str], scratch: Path, names: list[str]) -> bool:
        """Move blobs to their place and name the image; ``False`` when one was deleted meanwhile."""
        with self._locked():
            self._blobs.mkdir(parents=True, exist_ok=True)
            for name in map(hexadecimal, wanted):
                if (scratch / name).exists():
                    (scratch / name).replace(self._blobs / name)
                elif not (self._blobs / name).exists():
                    return False
            for directory in (self._blobs, self._blobs.parent, self._root):
                _flush_directory(directory)
            entries = self.entries()
            plain = {key: value for key, value in image.items() if key != "annotations"}
            for name in names:
                entries[name] = {**plain, "annotations": {REFERENCE_NAME: name}}
            self._write("oci-layout", LAYOUT)
            self._replace_index(entries)
            return True

    def _replace_index(self, entries: dict[str, Descriptor]) -> None:
        listed = [entries[name] for name in sorted(entries)]
        index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": listed}
        self._write("index.json", json.dumps(index, indent=1).encode())

    def _write(self, name: str, content: bytes) -> None:
        part = self._root / SCRATCH / f"{name}-{os.urandom(8).hex()}"
        part.parent.mkdir(exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            flush(file.fileno())
        part.replace(self._root / name)
        _flush_directory(self._root)

    def _document(self, descriptor: Descriptor) -> bytes:
        with self._open(descriptor["digest"]) as file:
            return checked(file.read(), descriptor["digest"])

    def _open(self, digest: str) -> IO[bytes]:
        return (self._blobs / hexadecimal(digest)).open("rb")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        file = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
            yield
        finally:
            os.close(file)


def _flush_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        flush(directory)
    finally:
        os.close(directory)
