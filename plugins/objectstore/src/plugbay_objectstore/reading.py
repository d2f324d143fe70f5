"""Reading objects: whole, in ranges, and what is known of them."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from plugbay_hookspecs.types.store import ObjectStat
from plugbay_objectstore.failures import is_beyond_the_end, translated
from plugbay_objectstore.keys import checked
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore import GetOptions, ObjectMeta
    from obstore.store import ObjectStore

_CHUNK = 1 << 20


def read_object(store: ObjectStore, place: Place, key: str) -> bytes:
    """The whole object."""
    import obstore

    with translated(place, key):
        return bytes(obstore.get(store, checked(key)).bytes())


def open_object(store: ObjectStore, place: Place, key: str, offset: int, length: int | None) -> BinaryIO:
    """The object, or a range of it, as a file that is read from the network as it is asked for."""
    import obstore
    from obstore import exceptions

    options: GetOptions = {}
    if length == 0:
        stat_or_raise(store, place, key)
        return io.BytesIO()
    if length is not None:
        options["range"] = (offset, offset + length)
    elif offset:
        options["range"] = {"offset": offset}
    with translated(place, key):
        try:
            stream = obstore.get(store, checked(key), options=options).stream(min_chunk_size=_CHUNK)
        except exceptions.BaseError as error:
            if is_beyond_the_end(error):
                return io.BytesIO()
            raise
    return cast(BinaryIO, _Stream(iter(stream), place, key))


def stat_object(store: ObjectStore, place: Place, key: str) -> ObjectStat | None:
    """The object's size and time, ``None`` when there is none."""
    try:
        return stat_or_raise(store, place, key)
    except FileNotFoundError:
        return None


def stat_or_raise(store: ObjectStore, place: Place, key: str) -> ObjectStat:
    """The object's size and time. Raises ``FileNotFoundError``."""
    import obstore

    with translated(place, key):
        return stat_of(obstore.head(store, checked(key)))


def stat_of(found: ObjectMeta) -> ObjectStat:
    """What the library tells of an object, in our words."""
    return ObjectStat(key=found["path"], size=found["size"], modified=found["last_modified"].timestamp())


class _Stream(io.BufferedIOBase):
    """Chunks as they come from the network, as a file; each byte is copied once."""

    def __init__(self, chunks: Iterator[bytes], place: Place, key: str) -> None:
        self._chunks, self._place, self._key = chunks, place, key
        self._left = memoryview(b"")

    def readable(self) -> bool:
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
        return b"".join(parts)

    def read1(self, size: int = -1, /) -> bytes:
        return self.read(size if size >= 0 else _CHUNK)

    def _arrived(self) -> bool:
        """Whether there is more: what has come and was not read, or the next chunk."""
        while not self._left:
            with translated(self._place, self._key):
                chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self._left = memoryview(chunk)
        return True

    def close(self) -> None:
        """Let go of the connection."""
        self._chunks, self._left = iter(()), memoryview(b"")
        super().close()
