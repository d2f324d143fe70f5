"""Answering a call from an earlier attempt with the same fingerprint."""

from __future__ import annotations

from plugbay.errors import StoreError
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.artifacts import Artifacts
from plugbay.store.documents import CacheEntry, read
from plugbay.store.layout import cache_key


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
    return entry if all(artifacts.exists(artifact) for artifact in entry.outputs) else None
