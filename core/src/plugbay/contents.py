"""What a path leads to, as a digest: what a file or a directory says to a step that is given its path.

A file counts by its bytes and by whether it may be executed, a directory by all that lies below it, empty directories and what
links lead to included. Bytes are read again when the size, the times or the inode of a file have changed.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import frozen

from plugbay.values import canonical

if TYPE_CHECKING:
    from plugbay.content_index import ContentIndex

ABSENT = "absent"
"""What a path says that leads nowhere."""
_NOWHERE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG})
_SETTLED = 2.0
"""Seconds after its last change from which on a file that changes again gets another time, on any file system."""
_LARGE = 1 << 20
_MANY = 256
"""A file of so many bytes, or so many files in a directory, are worth an index on the disk."""
Signature: TypeAlias = tuple[int, int, int, int]
"""The size, the two times and the inode of a file: where none has changed, neither have the bytes."""


@frozen
class Content:
    """What a path leads to at a moment."""

    digest: str
    """Equal for equal content, wherever it lies."""
    stamp: str = ""
    """Another one after each change of the content, also when the change was undone."""


@frozen
class _File:
    path: str
    name: str
    """Below the directory that is read; empty for a file that is read for itself."""
    size: int
    modified: int
    changed: int
    inode: int
    executable: bool

    @property
    def signature(self) -> Signature:
        return (self.size, self.modified, self.changed, self.inode)


class Contents:
    """Reads what paths lead to, and remembers the digests of files that have not changed."""

    def __init__(self, base: str = "") -> None:
        """Begin with nothing read.

        :param base: the directory from which relative paths count, instead of the working directory.
        """
        self._base = base
        self._read: dict[str, Content] = {}
        self._digests: dict[tuple[str, Signature], str] = {}

    def look_again(self) -> None:
        """Something may have changed since: have each path looked at again."""
        self._read.clear()

    def of(self, path: str) -> Content:
        """What the path leads to. Raises ``OSError``, which names the place, for what cannot be read."""
        found = self._read.get(path)
        if found is None:
            found = self._read[path] = self._look_at(os.path.join(self._base, path))
        return found

    def _look_at(self, path: str) -> Content:
        try:
            status = os.stat(path)
        except ValueError:  # a null character
            return Content(ABSENT)
        except OSError as error:
            if error.errno in _NOWHERE:
                return Content(ABSENT)
            raise
        if stat.S_ISDIR(status.st_mode):
            return self._directory(path)
        file = _file(path, "", status)
        index = _index() if file.size >= _LARGE else None
        with suppress(FileNotFoundError):
            digest = self._digest(file, {} if index is None else index.known([path]))
            if index is not None:
                index.keep([(path, file.signature, digest)] if (path, file.signature) in self._digests else [])
            return Content(digest + " executable" if file.executable else digest, str((file.inode, file.modified)))
        return Content(ABSENT)

    def _directory(self, path: str) -> Content:
        entries, files = [], []
        for entry in _below(path):
            if isinstance(entry, _File):
                files.append(entry)
            else:
                entries.append(entry)
        index = _index() if len(files) >= _MANY or any(file.size >= _LARGE for file in files) else None
        known = {} if index is None else index.known([file.path for file in files])
        for file in files:
            entries.append(["file", file.name, file.executable, self._digest(file, known)])
        if index is not None:
            index.keep(
                [
                    (file.path, file.signature, self._digests[file.path, file.signature])
                    for file in files
                    if (file.path, file.signature) in self._digests
                ]
            )
        stamps = [[file.name, file.inode, file.modified] for file in files]
        return Content(
            "directory " + hashlib.sha256(canonical(entries)).hexdigest(), hashlib.sha256(canonical(stamps)).hexdigest()
        )

    def _digest(self, file: _File, known: dict[str, tuple[Signature, str]]) -> str:
        """The digest of a file's bytes, which are not read when they were before and nothing has changed."""
        key = (file.path, file.signature)
        digest = self._digests.get(key)
        if digest is not None:
            return digest
        signature, digest = known.get(file.path, (None, ""))
        if signature == file.signature:
            self._digests[key] = digest
            return digest
        began = time.time()
        with open(file.path, "rb") as content:  # noqa: PTH123  it is a text
            digest = hashlib.file_digest(content, "sha256").hexdigest()
            after = _file(file.path, file.name, os.fstat(content.fileno()))
        if after == file and max(file.modified, file.changed) / 1e9 < began - _SETTLED:
            self._digests[key] = digest
        return digest


def _file(path: str, name: str, status: os.stat_result) -> _File:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "neither a file nor a directory", path)
    return _File(
        path,
        name,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        bool(status.st_mode & 0o111),
    )


def _below(root: str) -> Iterator[_File | list[Any]]:
    """What lies below a directory, in an order of its own: files, and descriptions of all else.

    A directory to which several ways lead, be it a circle, is entered once.
    """
    numbers: dict[tuple[int, int], int] = {}
    waiting = [(root, "")]
    while waiting:
        directory, name = waiting.pop()
        status = os.stat(directory)
        number = numbers.setdefault((status.st_dev, status.st_ino), len(numbers))
        if number != len(numbers) - 1:
            yield ["again", name, number]
            continue
        yield ["directory", name]
        with os.scandir(directory) as found:
            children = sorted(found, key=lambda child: child.name)
        for child in children:
            below = f"{name}/{child.name}" if name else child.name
            try:
                status = child.stat()
            except OSError as error:
                if error.errno not in _NOWHERE:
                    raise
                yield ["link", below, os.readlink(child.path)]  # noqa: PTH115  it is a text
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append((child.path, below))
            else:
                yield _file(child.path, below, status)


def _index() -> ContentIndex:
    from plugbay.content_index import ContentIndex  # few steps are given so much

    return ContentIndex()
