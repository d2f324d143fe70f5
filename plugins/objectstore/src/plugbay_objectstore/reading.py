"""Reading objects: whole, in ranges, and what is known of them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from plugbay_hookspecs.types.store import ObjectStat
from plugbay_objectstore.failures import translated
from plugbay_objectstore.keys import checked
from plugbay_objectstore.place import Place
from plugbay_objectstore.ranges import ObjectFile, Ranges

if TYPE_CHECKING:
    from obstore import ObjectMeta
    from obstore.store import ObjectStore


def read_object(store: ObjectStore, place: Place, key: str) -> bytes:
    """The whole object."""
    import obstore

    with translated(place, key):
        return bytes(obstore.get(store, checked(key)).bytes())


def open_object(store: ObjectStore, place: Place, key: str, offset: int, length: int | None) -> BinaryIO:
    """The object, or a range of it, as a file that is read from the network as it is asked for."""
    if length == 0:
        stat_or_raise(store, place, key)
        return io.BytesIO()
    return cast(BinaryIO, ObjectFile(Ranges(store, place, checked(key), offset, length)))


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
