"""Give back what was logged in an attempt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from attrs import frozen

from plugbay_hookspecs.types.run import ErrorInfo
from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.attempts.writing import joined_in, log_of, records_in, segments_of
from plugbay_local.objects.trees import files_below

ARTIFACTS = "artifacts/"


@frozen(kw_only=True)
class TrackedAttempt:
    """What was logged in an attempt, so far or from its start to its end."""

    started: float | None = None
    """Seconds since the epoch."""
    ended: float | None = None
    """Seconds since the epoch; ``None`` while it goes on, and when its process was killed."""
    error: ErrorInfo | None = None
    """Why it failed; without a traceback, which is in the run's record."""
    params: Mapping[str, Any] = attrs.field(factory=dict)
    """The last value of each name; what JSON has no form for is a text."""
    metrics: Mapping[str, Sequence[tuple[float, float, int | None]]] = attrs.field(factory=dict)
    """By name: (seconds since the epoch, value, iteration), in the order in which they were logged."""
    tags: Mapping[str, str] = attrs.field(factory=dict)
    artifacts: Mapping[str, str] = attrs.field(factory=dict)
    """The keys of files by their names; the files of a directory are ``directory/file``."""


def read_attempt(store: ObjectStore, prefix: str) -> TrackedAttempt | None:
    """Read what lies behind the prefix of an attempt; ``None`` when nothing was logged."""
    records = _records(store, prefix)
    artifacts = dict(files_below(store, prefix + ARTIFACTS))
    if not records and not artifacts:
        return None
    params: dict[str, Any] = {}
    tags: dict[str, str] = {}
    metrics: dict[str, list[tuple[float, float, int | None]]] = {}
    started: float | None = None
    ended: float | None = None
    error: ErrorInfo | None = None
    for record in records:
        params.update(record.get("params", {}))
        tags.update(record.get("tags", {}))
        for name, value in record.get("metrics", {}).items():
            metrics.setdefault(name, []).append((record["at"], float(value), record["iteration"]))
        if "started" in record:
            started, ended, error = record["started"], None, None
        if "ended" in record:
            ended = record["ended"]
            error = None if record["error"] is None else ErrorInfo(**record["error"])
    return TrackedAttempt(
        started=started, ended=ended, error=error, params=params, metrics=metrics, tags=tags, artifacts=artifacts
    )


def _records(store: ObjectStore, prefix: str) -> list[dict[str, Any]]:
    while True:
        log = log_of(store, prefix)
        try:
            segments = [store.get(key) for key in segments_of(store, prefix, joined_in(log)).values()]
        except FileNotFoundError:  # the attempt has just ended: now they are in the log
            continue
        return [record for part in (log, *segments) for record in records_in(part)]
