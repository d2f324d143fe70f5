"""Sweeps: objects whose deletion is announced before anybody looks whether they are still unwanted.

To look at an object and to delete it are two requests, and no object store takes a condition on a deletion. So who may
come to rely on an object and who deletes it tell each other, each before looking at what the other one tells:

- Garbage collection writes which objects it is about to delete, then looks at each once more, then deletes, then says that
  it is over.
- An attempt writes its outputs, which makes those that are there already young, and then looks for sweeps. Where one names
  an object of its own, it waits for the end and writes the object again.

One of the two always sees the other: either the sweep is announced when the attempt looks, or the object is young when the
sweep looks. A sweep sends its deletions within seconds of its announcement, so that one whose process was killed has an
end as well.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence

from attrs import frozen

from plugbay.errors import StoreError
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.distant import each
from plugbay.store.documents import SCHEMA, read, write
from plugbay.store.layout import SWEEPS, sweep_keys
from plugbay_hookspecs.types import ObjectStat

AT_ONCE = 1000
"""Objects of one sweep."""
LAPSE = 300.0
"""Seconds after its announcement at which a sweep is over, whether it says so or not."""
SKEW = 600.0
"""Seconds by which clocks may differ."""
_HASTE = 30.0
"""Seconds after its announcement within which a sweep has sent its deletions."""
_PAUSE = 0.5


@frozen(kw_only=True)
class Sweep:
    """What is about to be deleted: ``sweeps/<id>.json``; when it is over, ``sweeps/<id>.over.json``."""

    keys: tuple[str, ...]
    schema: int = SCHEMA


def sweep(store: ArtifactStore, keys: Sequence[str], unwanted: Callable[[ObjectStat], bool]) -> Iterator[ObjectStat]:
    """Delete the objects that are still unwanted; yield each that was.

    :param unwanted: looks at an object once its deletion is announced.
    """
    for start in range(0, len(keys), AT_ONCE):
        yield from _swept(store, keys[start : start + AT_ONCE], unwanted)


def _swept(store: ArtifactStore, keys: Sequence[str], unwanted: Callable[[ObjectStat], bool]) -> list[ObjectStat]:
    announcement, end = sweep_keys(secrets.token_hex(16))
    document = write(Sweep(keys=tuple(keys)))
    began = time.monotonic()
    store.put(announcement, document)
    found = [entry for entry in each(store, store.stat, keys) if entry is not None and unwanted(entry)]
    in_time = time.monotonic() - began <= _HASTE
    if found and in_time:
        store.delete([entry.key for entry in found])
    store.put(end, document)  # before the announcement is gone: a listing shows one of them
    store.delete([announcement])
    if in_time:
        return found
    middle = len(keys) // 2  # a slow store: fewer at a time; one that is too slow for a single object keeps it
    return [entry for part in (keys[:middle], keys[middle:]) if middle for entry in _swept(store, part, unwanted)]


def forget(store: ArtifactStore, retained: float, now: float) -> None:
    """Delete announcements that no attempt needs to see any more.

    :param retained: seconds after its end for which a sweep is to be seen: the longest that an attempt takes from its first
        output to its record.
    :param now: by the store's clock.
    """
    # a store tells times to the second: what is over may seem to be over in a moment
    at_once = not retained
    old = [e.key for e in store.list(SWEEPS) if now - _end(e) > retained or (at_once and _is_over(e.key))]
    if old:
        store.delete(old)


class Reliance:
    """Sees to it that objects that were just written are not being deleted."""

    def __init__(self, store: ArtifactStore, since: float) -> None:
        """Ask about ``store``.

        :param since: a moment before the first of the objects was written.
        """
        self._store, self._since = store, since
        self._met: set[str] = set()

    def holds(self, keys: Collection[str]) -> bool:
        """Whether nothing can be deleting one of the objects, all of which are written.

        Otherwise whatever was deleting one is over when this returns; the objects have to be written again, and asked for again.
        Not for a store whose objects are files of this machine: there the collection puts back what it should not have deleted.
        """
        if not keys:
            return True
        held = True
        for entry in list(self._store.list(SWEEPS)):
            name = _name(entry.key)
            if name in self._met or _end(entry) < self._since - SKEW or not self._concerns(entry.key, keys):
                continue
            self._await_end(entry)
            self._met.add(name)
            held = False
        return held

    def _concerns(self, key: str, keys: Collection[str]) -> bool:
        try:
            return not set(keys).isdisjoint(read(self._store.get(key), Sweep, key).keys)
        except FileNotFoundError:
            return not _is_over(key) and self._concerns(sweep_keys(_name(key))[1], keys)
        except StoreError:  # damaged, or a later release has written it
            return True

    def _await_end(self, entry: ObjectStat) -> None:
        while not _is_over(entry.key) and time.time() < _end(entry) + SKEW:
            if self._store.stat(entry.key) is None:
                return
            time.sleep(_PAUSE)


def _name(key: str) -> str:
    return key.removeprefix(SWEEPS).removesuffix(".json").removesuffix(".over")


def _is_over(key: str) -> bool:
    return key.endswith(".over.json")


def _end(entry: ObjectStat) -> float:
    """When a sweep was or will be over, by the store's clock."""
    return entry.modified + (0.0 if _is_over(entry.key) else LAPSE)
