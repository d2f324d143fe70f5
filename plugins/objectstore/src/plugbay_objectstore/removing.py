"""Deleting objects."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from plugbay_objectstore.failures import is_about_the_place, translated
from plugbay_objectstore.keys import checked
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_THREADS = 8


def delete_objects(store: ObjectStore, place: Place, keys: Sequence[str]) -> None:
    """Delete objects, as many in a request as the service takes; one that is not there is as good as deleted."""
    import obstore

    doomed = list(dict.fromkeys(checked(key) for key in keys))
    if not doomed:
        return
    with translated(place):
        try:
            obstore.delete(store, doomed[0] if len(doomed) == 1 else doomed)
        except FileNotFoundError as error:  # some services tell, and those behind it may be left
            if is_about_the_place(error):
                raise
            if len(doomed) > 1:
                _delete_each(store, doomed)


def _delete_each(store: ObjectStore, keys: Sequence[str]) -> None:
    import obstore

    def delete(key: str) -> None:
        try:
            obstore.delete(store, key)
        except FileNotFoundError:
            pass

    with ThreadPoolExecutor(min(_THREADS, len(keys))) as threads:
        for _ in threads.map(delete, keys):
            pass
