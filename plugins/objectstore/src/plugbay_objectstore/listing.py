"""Listing objects in the order of their keys' bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from plugbay_hookspecs.types.store import ObjectStat
from plugbay_objectstore.failures import translated
from plugbay_objectstore.keys import TOUCHING
from plugbay_objectstore.place import Place
from plugbay_objectstore.reading import stat_of

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PAGE = 1000
_SURROGATES = "\ud800"


def list_objects(
    store: ObjectStore, place: Place, prefix: str, after: str | None, *, recursive: bool
) -> Iterator[ObjectStat]:
    """Yield the objects behind a prefix, and behind a key."""
    behind = (after or "").encode()
    found = _in_order(_deep(store, place, prefix, after)) if recursive else _shallow(store, place, prefix)
    for entry in found:
        if entry.key.encode() > behind and not entry.key.startswith(TOUCHING):
            yield entry


def _deep(store: ObjectStore, place: Place, prefix: str, after: str | None) -> Iterator[ObjectStat]:
    """Page by page, as the service lists them."""
    import obstore

    with translated(place):
        pages = obstore.list(store, prefix.rstrip("/") or None, offset=_offset(after), chunk_size=_PAGE)
    while True:
        with translated(place):
            page = next(pages, None)
        if page is None:
            return
        for found in page:
            yield stat_of(found)


def _in_order(entries: Iterator[ObjectStat]) -> Iterator[ObjectStat]:
    """Sort what a service may have sorted by UTF-16, which differs from UTF-8 behind the surrogates only.

    So entries are passed on as they come up to the first that has such a letter.
    """
    for entry in entries:
        if max(entry.key) < _SURROGATES:
            yield entry
        else:
            yield from sorted((entry, *entries), key=lambda entry: entry.key.encode())


def _shallow(store: ObjectStore, place: Place, prefix: str) -> Iterator[ObjectStat]:
    import obstore

    with translated(place):
        found = obstore.list_with_delimiter(store, prefix.rstrip("/") or None)
    entries = [stat_of(each) for each in found["objects"]]
    entries += [ObjectStat(key=f"{common}/", size=0, modified=0) for common in found["common_prefixes"]]
    return iter(sorted(entries, key=lambda entry: entry.key.encode()))


def _offset(after: str | None) -> str | None:
    """A position from which the service may begin: the library takes only what could be a key."""
    if after is None or not all(part not in ("", ".", "..") for part in after.split("/")):
        return None
    return after
