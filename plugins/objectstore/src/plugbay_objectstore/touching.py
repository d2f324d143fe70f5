"""Making an object young without changing it, so that garbage collection sees that it is wanted."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from plugbay_objectstore.keys import TOUCHING

if TYPE_CHECKING:
    from obstore import UpdateVersion
    from obstore.store import ObjectStore

_FROM_MEMORY = 1 << 20
"""Up to this many bytes an object is read and written again; a larger one is copied by the service."""


def touch(store: ObjectStore, key: str, *, copies_onto_itself: bool) -> None:
    """Make the object young. Raises ``FileNotFoundError`` when there is none, or it has just been deleted.

    :param copies_onto_itself: whether the service can do that in one request; S3 cannot, so that the object is written
        again on the condition that nobody else has meanwhile, or, a large one, copied away and back.
    """
    import obstore
    from obstore import exceptions

    if copies_onto_itself:
        obstore.copy(store, key, key)
        return
    found = obstore.get(store, key)
    if found.meta["size"] > _FROM_MEMORY:
        del found
        aside = f"{TOUCHING}{uuid.uuid4().hex}"
        try:
            obstore.copy(store, key, aside)
            obstore.copy(store, aside, key)
        finally:
            obstore.delete(store, aside)
        return
    version: UpdateVersion = {"e_tag": found.meta["e_tag"]}
    try:
        obstore.put(store, key, bytes(found.bytes()), mode=version, use_multipart=False)
    except exceptions.PreconditionError:  # somebody has written or deleted it just now
        obstore.head(store, key)
