"""Making an object young without changing it, so that garbage collection sees that it is wanted."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from plugbay_objectstore.keys import TOUCHING

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_FROM_MEMORY = 1 << 20
"""Up to this many bytes an object is read and written again; a larger one is copied by the service."""


def touch(store: ObjectStore, key: str, *, copies_onto_itself: bool) -> None:
    """Make the object young. Raises ``FileNotFoundError`` when there is none.

    One that is deleted meanwhile is there again afterwards. Not for an object that somebody may be replacing.

    :param copies_onto_itself: whether the service can do that in one request. S3 cannot: there the object is written
        again or, a large one, copied away and back.
    """
    import obstore

    if copies_onto_itself:
        obstore.copy(store, key, key)
        return
    found = obstore.get(store, key)
    if found.meta["size"] <= _FROM_MEMORY:
        obstore.put(store, key, bytes(found.bytes()), use_multipart=False)
        return
    del found  # its bytes are not wanted
    aside = f"{TOUCHING}{uuid.uuid4().hex}"
    try:
        obstore.copy(store, key, aside)
        obstore.copy(store, aside, key)
    finally:
        obstore.delete(store, aside)
