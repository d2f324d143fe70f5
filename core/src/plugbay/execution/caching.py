"""Answering a call from an earlier attempt with the same fingerprint."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress

from plugbay.errors import StoreError
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.artifacts import Artifacts
from plugbay.store.distant import each
from plugbay.store.documents import AttemptRecord, CacheEntry, read, write
from plugbay.store.layout import cache_key
from plugbay.values import canonical
from plugbay_hookspecs.types import CacheSource

_MANY = 256
"""Entries that are written at once."""
_SOON = 1.0
"""Seconds after which the others are, too."""


_OF_ONE_ATTEMPT = frozenset({"run_id", "attempt", "url"})
"""What is another in each run: what a step has made of it answers no other call."""


class Answers:
    """What the steps of a run leave for later calls: entries are found here at once, and written a batch at a time.

    An entry between two records costs more than the same entries one after the other. The driver writes
    them all, from the records it is given, so that a worker that ends takes none along.
    """

    def __init__(self, store: ArtifactStore, artifacts: Artifacts) -> None:
        """Find entries in ``store``, and write them there."""
        self._store, self._artifacts = store, artifacts
        self._pending: dict[str, CacheEntry] = {}
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def find(self, fingerprint: str, call: str) -> CacheEntry | None:
        """Return the entry that answers the fingerprint for the call of this id; ``None`` is a miss."""
        entry = self._find(fingerprint)
        if entry is None or entry.only in (None, call):
            return entry
        entry = self._find(_of_call(fingerprint, call))
        return entry if entry is not None and entry.only == call else None

    def _find(self, fingerprint: str) -> CacheEntry | None:
        entry = self._pending.get(fingerprint)
        if entry is not None:
            return entry if _is_whole(entry, self._artifacts) else None
        return find_cached(fingerprint, self._store, self._artifacts)

    def add(self, record: AttemptRecord) -> None:
        """Have a successful attempt answer calls from now on: all like it, or just its own where it has read its id."""
        if record.fingerprint is None or not _OF_ONE_ATTEMPT.isdisjoint(record.asked):
            return
        own = "step" in record.asked
        for fingerprint in (record.fingerprint, _of_call(record.fingerprint, record.step))[: 1 + own]:
            self._pending[fingerprint] = CacheEntry(
                source=CacheSource(run_id=record.run_id, step=record.step, attempt=record.attempt),
                outputs=record.outputs,
                seconds=record.ended - record.started,
                fingerprint=fingerprint,
                only=record.step if own else None,
            )
        if self._timer is None:
            self._timer = threading.Timer(_SOON, self.write_out)
            self._timer.daemon = True
            self._timer.start()
        elif len(self._pending) >= _MANY:
            self.write_out()

    def write_out(self) -> None:
        """Write what is pending into the store; from any thread."""
        with self._lock:
            timer, self._timer = self._timer, None
            if timer is not None:
                timer.cancel()
            each(self._store, self._write, list(self._pending.copy().items()))

    def _write(self, answer: tuple[str, CacheEntry]) -> None:
        fingerprint, entry = answer
        with suppress(StoreError):  # a lost entry is a miss, no more
            self._store.put(cache_key(fingerprint), write(entry), durable=False)
        del self._pending[fingerprint]


def _of_call(fingerprint: str, call: str) -> str:
    """Where the entry lies that answers the fingerprint for one call."""
    return hashlib.sha256(canonical([fingerprint, call])).hexdigest()


def find_cached(fingerprint: str, store: ArtifactStore, artifacts: Artifacts) -> CacheEntry | None:
    """Return the entry that answers the fingerprint; ``None`` is a miss.

    An entry whose bytes are gone is a miss, and so is one that cannot be read or answers another fingerprint: the step is
    computed anew.
    """
    key = cache_key(fingerprint)
    try:
        entry = read(store.get(key), CacheEntry, key)
    except (FileNotFoundError, StoreError):
        return None
    if entry.fingerprint != fingerprint:
        return None
    return entry if _is_whole(entry, artifacts) else None


def _is_whole(entry: CacheEntry, artifacts: Artifacts) -> bool:
    return all(artifacts.exists(artifact) for artifact in entry.outputs)
