"""Keep the changes of models as numbered documents, each created once."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.models.history import History
from plugbay_local.objects.naming import name_of, part_of

_PREFIX = "models/"


class Log:
    """The changes of all models in one object store. What was read once is kept, because a change never changes."""

    def __init__(self, store: ObjectStore) -> None:
        """Read and make changes in ``store``."""
        self._store = store
        self._read: dict[str, History] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[Log], tuple[ObjectStore]]:
        """Leave behind what was read: another process reads it again."""
        return Log, (self._store,)

    def names(self) -> list[str]:
        """The names of all models that ever were, in their order."""
        entries = self._store.list(_PREFIX, recursive=False)
        return sorted(name_of(entry.key.removeprefix(_PREFIX)[:-1]) for entry in entries if entry.key.endswith("/"))

    def history(self, name: str) -> History:
        """Read the changes of a model; of a name that never was, there are none."""
        with self._lock:
            known = self._read.get(name)
        history = History(name) if known is None else known.copy()
        self._read_on(history)
        return history

    def change(self, name: str, decide: Callable[[History], dict[str, Any] | None]) -> History:
        """Make a change; return the history with it, or as it is when there is nothing to change.

        :param decide: says the change by the history so far, and is asked again when another process was first. It may
            raise.
        """
        history = self.history(name)
        while True:
            wanted = decide(history)
            if wanted is None:
                return history
            made = {**wanted, "at": time.time()}
            document = json.dumps(made, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
            if self._store.put(_key(name, history.length + 1), document, if_absent=True):
                history.add(json.loads(document))
                self._keep(history)
                return history
            self._read_on(history)

    def _read_on(self, history: History) -> None:
        """Read the changes that were made since."""
        before = history.length
        while True:
            try:
                document = self._store.get(_key(history.name, history.length + 1))
            except FileNotFoundError:
                break
            history.add(json.loads(document))
        if history.length > before:
            self._keep(history)

    def _keep(self, history: History) -> None:
        with self._lock:
            known = self._read.get(history.name)
            if known is None or known.length < history.length:
                self._read[history.name] = history.copy()


def _key(name: str, number: int) -> str:
    return f"{_PREFIX}{part_of(name)}/{number:08}.json"
