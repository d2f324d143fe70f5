"""A large object as a file: the ranges ahead of the reader are on their way while it reads."""

from __future__ import annotations

import io
import sys
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from plugbay_objectstore.failures import is_beyond_the_end, translated
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ObjectStore

_RANGE = 8 << 20
_AHEAD = 3
"""Ranges that are on their way or wait for the reader."""
_CHUNK = 1 << 20
"""A range is kept in pieces of about this size, as they come: to join them costs as much as to receive them."""


class Ranges:
    """The bytes of an object, or of a part of it, range by range; all are of one version of it."""

    def __init__(self, store: ObjectStore, place: Place, key: str, offset: int, length: int | None) -> None:
        """Fetch the first range, which tells how many there are. Raises ``FileNotFoundError``."""
        import obstore
        from obstore import exceptions

        self._store, self._place, self._key = store, place, key
        self._threads: ThreadPoolExecutor | None = None
        self._ahead: deque[Future[list[memoryview]]] = deque()
        self._first: list[memoryview] = []
        self._rest: Iterator[tuple[int, int]] = iter(())
        self._options: GetOptions = {}
        end = offset + _RANGE if length is None else offset + min(length, _RANGE)
        with translated(place, key):
            try:
                found = obstore.get(store, key, options={"range": (offset, end)})
                self._first = _chunks(found)
            except exceptions.BaseError as error:
                if not is_beyond_the_end(error):
                    raise
                return
        size, version = found.meta["size"], found.meta["e_tag"]
        last = size if length is None else min(size, offset + length)
        if version:
            self._options["if_match"] = version
        self._rest = iter(
            [(start, min(start + _RANGE, last)) for start in range(offset + sum(map(len, self._first)), last, _RANGE)]
        )

    def __iter__(self) -> Iterator[memoryview]:
        """Yield them in order, in pieces."""
        self._request()
        yield from self._first
        self._first = []
        while self._ahead:
            arrived = self._ahead.popleft()
            self._request()
            with translated(self._place, self._key):
                chunks = arrived.result()
            del arrived  # it has them, too
            yield from chunks

    def _request(self) -> None:
        while len(self._ahead) < _AHEAD and (limits := next(self._rest, None)) is not None:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_AHEAD, thread_name_prefix="plugbay-ranges")
            self._ahead.append(self._threads.submit(self._fetch, *limits))

    def _fetch(self, start: int, end: int) -> list[memoryview]:
        import obstore

        options: GetOptions = {**self._options, "range": (start, end)}
        return _chunks(obstore.get(self._store, self._key, options=options))

    def close(self) -> None:
        """Ask for no more."""
        self._rest = iter(())
        self._ahead.clear()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)


def _chunks(found: GetResult) -> list[memoryview]:
    return [memoryview(chunk) for chunk in found.stream(min_chunk_size=_CHUNK)]


class ObjectFile(io.BufferedIOBase):
    """Ranges as a binary file; each byte is copied once."""

    def __init__(self, ranges: Ranges) -> None:
        """Read them from the first on."""
        self._ranges = ranges
        self._chunks = iter(ranges)
        self._left = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int | None = -1, /) -> bytes:
        """As many bytes as were asked for; fewer only at the end."""
        wanted = sys.maxsize if size is None or size < 0 else size
        parts = []
        while wanted and self._arrived():
            part = self._left[:wanted]
            self._left = self._left[len(part) :]
            wanted -= len(part)
            parts.append(part)
        return bytes(parts[0]) if len(parts) == 1 else b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        """Some bytes."""
        return self.read(size if size >= 0 else io.DEFAULT_BUFFER_SIZE)

    def _arrived(self) -> bool:
        """Whether there is more: what has come and was not read, or the next range."""
        while not self._left:
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._left = chunk
        return True

    def close(self) -> None:
        """Ask for no more."""
        self._ranges.close()
        self._left = memoryview(b"")
        super().close()
