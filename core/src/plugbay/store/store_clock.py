"""What time it is by the clock that gives a store's objects their times."""

from __future__ import annotations

import secrets
import time

from plugbay.errors import StoreError
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.layout import CLOCKS

_FRESH = 60.0
"""Seconds for which the difference between two clocks is taken to stay as it is."""


class StoreClock:
    """The clock of a store; it is read by writing an object, and this machine's clock is taken where that cannot be done."""

    def __init__(self, store: ArtifactStore) -> None:
        """Read the clock of ``store``."""
        self._store = store
        self._ahead: float | None = None
        self._read = 0.0

    def now(self) -> float:
        """Seconds since the epoch, to within the seconds that a request takes."""
        if self._ahead is None or time.monotonic() - self._read > _FRESH:
            self._ahead, self._read = self._difference(), time.monotonic()
        return time.time() + self._ahead

    def _difference(self) -> float:
        key = f"{CLOCKS}{secrets.token_hex(16)}"
        try:
            self._store.put(key, b"", durable=False)
            found, now = self._store.stat(key), time.time()
            self._store.delete([key])
        except (StoreError, OSError):  # a store that this user may only read
            return 0.0
        return 0.0 if found is None else found.modified - now
