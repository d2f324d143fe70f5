"""Remove files that no version has: those of processes that were killed before the change that names them, or after.

Files that nothing was added to for a day are taken for such. A process that is slow may still be about to name them, so
their removal is a change of the model, too, made before anything is deleted. Of the two changes one comes first: either
the files have a version by then and stay, or who copied them is told that they are gone.
"""

from __future__ import annotations

import time
from collections import defaultdict
from functools import partial
from typing import Any

from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.models import files
from plugbay_local.models.history import History
from plugbay_local.models.log import Log
from plugbay_local.objects.trees import delete_tree

GRACE = 24 * 3600.0
"""Seconds for which files that no version has are left alone, and between two looks."""
_MARK = "swept"
"""The object that tells when somebody last looked."""


def sweep_if_due(store: ObjectStore, log: Log) -> None:
    """Sweep, unless somebody has within a day. What the store cannot do now is left to the next one."""
    try:
        last = store.stat(_MARK)
        if last is not None and time.time() - last.modified < GRACE:
            return
        store.put(_MARK, b"", durable=False)
        mark = store.stat(_MARK)
        if mark is not None:
            sweep(store, log, mark.modified)
    except OSError:
        return


def sweep(store: ObjectStore, log: Log, now: float) -> None:
    """Remove the files of all models that no version has and that are old.

    :param now: the time by the store's clock.
    """
    latest: dict[str, float] = defaultdict(float)
    for entry in store.list(files.PREFIX):
        place = files.place_of(entry.key)
        latest[place] = max(latest[place], entry.modified)
    old: dict[str, set[str]] = defaultdict(set)
    for place, modified in latest.items():
        if now - modified > GRACE:
            old[files.model_at(place)].add(place)
    for name, places in old.items():
        try:
            history = log.change(name, partial(_removal, places))
        except ValueError:  # a later release has changed the model, and may have named them
            continue
        for place in places & history.swept:
            delete_tree(store, place)


def _removal(places: set[str], history: History) -> dict[str, Any] | None:
    """The change that gives up those of the places that no version has."""
    named = {files.place_of(tree.key) for tree in history.files.values()}
    unnamed = sorted(places - named - history.swept)
    return {"change": "sweep", "files": unnamed} if unnamed else None
