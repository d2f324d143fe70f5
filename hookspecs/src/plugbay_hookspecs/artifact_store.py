"""Hooks of an artifact store: an object store for everything a run leaves behind. A stack has exactly one.

Keys are ``/``-separated, checked by the host before they get here (no empty, ``.`` or ``..`` parts, no backslash, no
control characters), and must never lead out of the store's root.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import ObjectStat


@hookspec(firstresult=True)
@required
def artifact_store_put(key: str, source: bytes | Path, if_absent: bool, durable: bool) -> bool:
    """Write an object, whole or not at all.

    Called in any process that has the stack, by many at once. A reader sees the object before or the object after,
    never a part. Raises ``OSError`` when it could not be written; then nothing has changed.

    :param source: the bytes, or a file that the caller gives up: the store may move it.
    :param if_absent: leave an object that exists alone; of several at once exactly one writes. (A store that sends a
        large file in pieces may let several write it: the host puts large files under the digest of their bytes only.)
        An object left alone counts as modified now, so that garbage collection sees that it is wanted.
    :param durable: return only when the object would survive a loss of power. A store may always be durable.
    :returns: whether it was written: ``False`` when ``if_absent`` met an object.

    .. code-block:: python

        import sqlite3
        import time
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl

        TABLE = "CREATE TABLE IF NOT EXISTS object (key TEXT PRIMARY KEY, data BLOB, modified REAL)"


        @component
        class SqliteStore:
            '''Keeps each object as a row of an SQLite table, which is always durable.'''

            file: Path = Path("objects.db")

            @hookimpl
            def artifact_store_put(self, key: str, source: bytes | Path, if_absent: bool) -> bool:
                data = source if isinstance(source, bytes) else source.read_bytes()
                try:
                    with closing(sqlite3.connect(self.file)) as store, store:
                        store.execute(TABLE)
                        touched = store.execute("UPDATE object SET modified = ? WHERE key = ?", (time.time(), key))
                        kept = if_absent and touched.rowcount > 0
                        if not kept:
                            store.execute("REPLACE INTO object VALUES (?, ?, ?)", (key, data, time.time()))
                        return not kept
                except sqlite3.Error as error:
                    raise OSError(str(error)) from error

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def artifact_store_get(key: str) -> bytes:
    """Read a whole object that fits into memory.

    Called in any process that has the stack. Raises ``FileNotFoundError`` when there is none, another ``OSError`` when
    it could not be read.

    :returns: the bytes.

    .. code-block:: python

        import zlib
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class CompressedFolder:
            '''Keeps each object as a compressed file in a folder.'''

            root: Path = Path("artifacts")

            @hookimpl
            def artifact_store_get(self, key: str) -> bytes:
                packed = (self.root / f"{key}.z").read_bytes()
                try:
                    return zlib.decompress(packed)
                except zlib.error as error:
                    msg = f"{key} is damaged: {error}"
                    raise OSError(msg) from error

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def artifact_store_open(key: str, offset: int, length: int | None) -> BinaryIO:
    """Open an object, or a range of it, for reading from front to back.

    Called in any process that has the stack. Raises ``FileNotFoundError`` when there is none.

    :param offset: the first byte, counted from 0.
    :param length: bytes at most; ``None`` for all that follow.
    :returns: a binary file; the caller closes it.

    .. code-block:: python

        from io import BytesIO
        from pathlib import Path
        from typing import BinaryIO

        from plugbay_hookspecs import component, hookimpl


        @component
        class Folder:
            '''Keeps each object as a file in a folder.'''

            root: Path = Path("artifacts")

            @hookimpl
            def artifact_store_open(self, key: str, offset: int, length: int | None) -> BinaryIO:
                file = (self.root / key).open("rb")
                file.seek(offset)
                if length is None:
                    return file
                with file:
                    return BytesIO(file.read(length))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def artifact_store_stat(key: str) -> ObjectStat | None:
    """Look an object up.

    Called in any process that has the stack.

    :returns: its size and when it was modified; ``None`` when there is no such object.

    .. code-block:: python

        from pathlib import Path
        from stat import S_ISREG

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ObjectStat


        @component
        class Folder:
            '''Keeps each object as a file in a folder.'''

            root: Path = Path("artifacts")

            @hookimpl
            def artifact_store_stat(self, key: str) -> ObjectStat | None:
                try:
                    found = (self.root / key).stat()
                except (FileNotFoundError, NotADirectoryError):
                    return None
                if not S_ISREG(found.st_mode):
                    return None
                return ObjectStat(key=key, size=found.st_size, modified=found.st_mtime)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def artifact_store_list(prefix: str, after: str | None, recursive: bool) -> Iterator[ObjectStat]:
    """List objects in the order of their keys' UTF-8 bytes.

    Called in any process that has the stack. Objects written or deleted meanwhile may or may not be listed.

    :param prefix: of the keys, as text: empty, or ending with ``/``.
    :param after: only keys behind this one.
    :param recursive: every object under the prefix; if not, objects directly under it, and for each common part up to
        the next ``/`` one entry whose key ends with ``/`` (its size and time are 0).
    :returns: the objects, and the entries of common parts.

    .. code-block:: python

        from collections.abc import Iterator

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ObjectStat


        @component
        class Memory:
            '''Keeps objects in memory, with their times; in Python, text sorts as its UTF-8 bytes do.'''

            _objects: dict[str, tuple[bytes, float]] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def artifact_store_list(self, prefix: str, after: str | None, recursive: bool) -> Iterator[ObjectStat]:
                found = {}
                for key, (data, modified) in self._objects.items():
                    folder, slash, _ = key.removeprefix(prefix).partition("/")
                    if key.startswith(prefix) and slash and not recursive:
                        found[f"{prefix}{folder}/"] = ObjectStat(key=f"{prefix}{folder}/", size=0, modified=0)
                    elif key.startswith(prefix):
                        found[key] = ObjectStat(key=key, size=len(data), modified=modified)
                return iter([found[key] for key in sorted(found) if after is None or key > after])

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def artifact_store_delete(keys: Sequence[str]) -> None:
    """Delete objects.

    Called in any process that has the stack. Idempotent: a key without an object is no error. Raises ``OSError`` when
    an object could not be deleted; others may be gone by then.

    .. code-block:: python

        from collections.abc import Sequence
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Folder:
            '''Keeps each object as a file in a folder.'''

            root: Path = Path("artifacts")

            @hookimpl
            def artifact_store_delete(self, keys: Sequence[str]) -> None:
                for key in keys:
                    file = self.root / key
                    if file.is_file():
                        file.unlink(missing_ok=True)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def artifact_store_local_path(key: str) -> Path | None:
    """Tell where the object lies on the local disk, to map it into memory.

    Called in any process that has the stack. Nobody writes to the path. ``None``: it lies elsewhere, or there is none.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class SharedDisk:
            '''Keeps each object as a file on a disk that all machines mount.'''

            mount: Path = Path("/mnt/artifacts")

            @hookimpl
            def artifact_store_local_path(self, key: str) -> Path | None:
                file = self.mount / key
                return file if file.is_file() else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def artifact_store_url(key: str) -> str:
    """Tell the object's address for a person or another tool: ``file://``, ``s3://``. The object need not exist.

    Called in any process that has the stack. ``None`` when it has no address.

    .. code-block:: python

        from urllib.parse import quote

        from plugbay_hookspecs import component, hookimpl


        @component
        class WebFolder:
            '''Keeps objects in a folder that a web server publishes.'''

            address: str = "https://artifacts.example.com"

            @hookimpl
            def artifact_store_url(self, key: str) -> str:
                return f"{self.address}/{quote(key)}"

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def artifact_store_scratch() -> Path:
    """Name a directory from which a file given to :func:`artifact_store_put` can be moved instead of copied.

    Called in any process that has the stack. Whoever writes there removes what is left; garbage collection removes what
    a killed process left. ``None``: there is no such place, and the host uses the system's temporary directory.

    .. code-block:: python

        import shutil
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Folder:
            '''Keeps objects and what may become one on the same disk, where a move is a rename.'''

            root: Path = Path("artifacts")

            @hookimpl
            def artifact_store_scratch(self) -> Path | None:
                scratch = self.root / "scratch"
                scratch.mkdir(parents=True, exist_ok=True)
                return scratch if shutil.disk_usage(scratch).free > 2**30 else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError
