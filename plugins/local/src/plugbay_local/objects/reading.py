"""Read objects, whole or in ranges, and look them up."""

import io
import os
import stat
from errno import ENOENT
from typing import TYPE_CHECKING, BinaryIO, cast

from plugbay_hookspecs.types.store import ObjectStat
from plugbay_local.objects.directories import close_all, is_link, open_at_once, open_chain, open_root, refuse_link
from plugbay_local.objects.keys import parts_of

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Without O_NONBLOCK a named pipe planted in the store would hold its reader for ever.
_OBJECT = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
_RANGE_BUFFER = 128 * 1024


def read_object(root: str, key: str) -> bytes:
    """Read a whole object; raise ``FileNotFoundError`` when there is none."""
    with io.FileIO(_open_file(root, key)) as file:
        return file.readall()


def open_object(root: str, key: str, offset: int, length: int | None) -> BinaryIO:
    """Open an object or a range of it; raise ``FileNotFoundError`` when there is none."""
    if offset < 0 or (length is not None and length < 0):
        msg = f"not a range of {key!r}: offset {offset}, length {length}; neither may be negative"
        raise ValueError(msg)
    file = _open_file(root, key)
    if offset == 0 and length is None:
        return os.fdopen(file, "rb")
    return cast("BinaryIO", io.BufferedReader(_Range(file, offset, length), _RANGE_BUFFER))


def stat_object(root: str, key: str) -> ObjectStat | None:
    """Look an object up; ``None`` when there is none."""
    parts = parts_of(key)
    chain: list[int] = []
    try:
        chain.append(open_root(root))
        open_chain(chain, parts[:-1])
        found = os.stat(parts[-1], dir_fd=chain[-1], follow_symlinks=False)
        if stat.S_ISLNK(found.st_mode):
            refuse_link(key)
    except FileNotFoundError:
        return None
    except OSError as error:
        error.filename = f"{root}/{key}"
        raise
    finally:
        close_all(chain)
    if not stat.S_ISREG(found.st_mode):
        return None
    return ObjectStat(key=key, size=found.st_size, modified=found.st_mtime)


def _open_file(root: str, key: str) -> int:
    parts = parts_of(key)
    chain: list[int] = []
    try:
        file = open_at_once(f"{root}/{key}", _OBJECT)
        if file is not None:
            return _regular(file, key)
        chain.append(open_root(root))
        open_chain(chain, parts[:-1])
        return _open_regular(chain[-1], parts[-1])
    except OSError as error:
        error.filename = f"{root}/{key}"
        raise
    finally:
        close_all(chain)


def _open_regular(parent: int, name: str) -> int:
    try:
        file = os.open(name, _OBJECT, dir_fd=parent)
    except OSError as error:
        if not isinstance(error, FileNotFoundError) and is_link(parent, name):
            refuse_link(name)
        raise
    return _regular(file, name)


def _regular(file: int, name: str) -> int:
    """What is no regular file is no object."""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise FileNotFoundError(ENOENT, os.strerror(ENOENT), name)
    return file


class _Range(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: int, start: int, length: int | None) -> None:
        self._file = file
        self._start = start
        size = max(os.fstat(file).st_size - start, 0)
        self._length = size if length is None else min(length, size)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")[: max(self._length - self._position, 0)]
        count = os.preadv(self._file, [view], self._start + self._position)
        self._position += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        origin = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        if origin + offset < 0:
            msg = f"not a position in the range: {origin + offset}"
            raise ValueError(msg)
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def close(self) -> None:
        if not self.closed:
            os.close(self._file)
        super().close()
