"""A file that is hashed while a serializer writes it, on its way into the artifact store."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from plugbay.errors import StoreError

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

_CHUNK = 1 << 20
_HASH_ASIDE = 1 << 16
"""From this size on a write is hashed in another thread."""


class HashAside:
    """A SHA-256 that is computed in another thread: it and what reads or writes the same bytes release the interpreter's lock."""

    def __init__(self) -> None:
        """Begin with no bytes."""
        self._hash = hashlib.sha256()
        self._thread: ThreadPoolExecutor | None = None
        self._pending: Future[None] | None = None

    def update(self, data: bytes | memoryview) -> None:
        """Take bytes, which must stay as they are until the next call."""
        self.wait()
        if len(data) < _HASH_ASIDE:
            self._hash.update(data)
            return
        if self._thread is None:
            from concurrent.futures import ThreadPoolExecutor  # only a large artifact needs it

            self._thread = ThreadPoolExecutor(1, thread_name_prefix="plugbay-hash")
        self._pending = self._thread.submit(self._hash.update, data)

    def wait(self) -> None:
        """Return when all bytes are taken, so that their buffer may be used again."""
        if self._pending is not None:
            self._pending.result()
            self._pending = None

    def hexdigest(self) -> str:
        """The digest of all bytes."""
        self.wait()
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._thread.shutdown()


class Spool:
    """A binary file that is hashed while it is written: in memory while it is small, else where the store can move it."""

    def __init__(self, scratch: Callable[[], Path | None]) -> None:
        """Begin an empty file.

        :param scratch: gives the directory for what does not fit into memory; called when there is something for it.
        """
        self._scratch = scratch
        self._hash = HashAside()
        self._size = 0
        self._memory: list[bytes] | None = []
        self._file: BinaryIO | None = None
        self._path: Path | None = None

    def __enter__(self) -> Spool:
        return self

    def write(self, data: Any) -> int:
        """Take bytes, or anything that has a buffer, and return their number."""
        view = memoryview(data).cast("B") if not isinstance(data, bytes) else memoryview(data)
        size = view.nbytes
        self._size += size
        if self._memory is not None and self._size <= _HASH_ASIDE:
            content = bytes(view)
            self._memory.append(content)
            self._hash.update(content)
            return size
        with self._on_disk():
            file = self._opened()
            for start in range(0, size, 16 * _CHUNK):
                chunk = view[start : start + 16 * _CHUNK]
                self._hash.update(chunk)
                file.write(chunk)
            self._hash.wait()  # the caller may reuse its buffer
        return size

    @contextmanager
    def _on_disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            msg = f"an output cannot be written to {self._path or 'a new file'}: {error.strerror or error}"
            raise StoreError(msg) from error

    def _opened(self) -> BinaryIO:
        if self._file is None:
            directory = self._scratch()
            handle, name = tempfile.mkstemp(dir=directory, prefix="artifact-")
            self._path = Path(name)
            self._file = os.fdopen(handle, "wb", buffering=_CHUNK)
            for part in self._memory or ():
                self._file.write(part)
            self._memory = None
        return self._file

    def flush(self) -> None:
        """Send on what was written."""
        if self._file is not None:
            self._file.flush()

    def tell(self) -> int:
        """The number of bytes written."""
        return self._size

    def writable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is not."""
        return False

    def seekable(self) -> bool:
        """It is not."""
        return False

    @property
    def closed(self) -> bool:
        """It never is: see :meth:`close`."""
        return False

    def close(self) -> None:
        """Writers may close what they were given; the content is taken by :meth:`finish` all the same."""

    def finish(self) -> tuple[str, int, bytes | None, Path | None]:
        """Return the digest, the size, and the content: as bytes or as a file."""
        if self._file is None:
            return self._hash.hexdigest(), self._size, b"".join(self._memory or ()), None
        with self._on_disk():
            self._file.close()
        return self._hash.hexdigest(), self._size, None, self._path

    def __exit__(self, *exception: object) -> None:
        self._hash.close()
        if self._file is not None:
            try:
                self._file.close()
            except OSError:  # a full disk; the write itself has raised already
                if not exception[0]:
                    raise
        if self._path is not None:
            with suppress(OSError):  # what is left is only waste: garbage collection removes it
                self._path.unlink()
