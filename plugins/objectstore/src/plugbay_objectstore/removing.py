"""Deleting objects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from plugbay_objectstore.failures import is_about_the_place, translated
from plugbay_objectstore.keys import checked
from plugbay_objectstore.place import Place

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_THREADS = 8
_PAUSES = (0.1, 1.0)
"""Seconds before each further try of a request for many."""


def delete_objects(store: ObjectStore, place: Place, keys: Sequence[str]) -> None:
    """Delete objects, as many in a request as the service takes; one that is not there is as good as deleted."""
    doomed = list(dict.fromkeys(checked(key) for key in keys))
    if not doomed:
        return
    with translated(place):
        try:
            _delete_together(store, doomed)
        except FileNotFoundError as error:  # some services tell, and those behind it may be left
            if is_about_the_place(error):
                raise
            if len(doomed) > 1:
                _delete_each(store, doomed)


def _delete_together(store: ObjectStore, keys: list[str]) -> None:
    """Delete them with as few requests as there can be.

    The client sends a request for many again only where the service said no, and not where the connection broke, which a
    server that closes an idle one brings about: to delete again what is gone does no harm.
    """
    import obstore
    from obstore.exceptions import GenericError

    for pause in (*_PAUSES, None):
        try:
            obstore.delete(store, keys[0] if len(keys) == 1 else keys)
        except GenericError as error:
            if pause is None or is_about_the_place(error):
                raise
            time.sleep(pause)
        else:
            return


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
