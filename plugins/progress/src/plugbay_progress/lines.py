"""What there is to show: lines that stay, and a snapshot of what is going on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypeAlias

from attrs import frozen

if TYPE_CHECKING:
    from plugbay_hookspecs.types import RunInfo

Ending: TypeAlias = Literal["succeeded", "cached", "failed", "cancelled", "skipped"]
"""How a step can end."""
Kind: TypeAlias = Literal["run started", "started", "retrying", "only counted", "run finished"] | Ending


@frozen(kw_only=True)
class Line:
    """One thing that happened, shown once and left standing."""

    kind: Kind
    run: RunInfo
    step: str = ""
    """The step it is about; of a run's end, the step that failed first."""
    attempt: int = 1
    seconds: float | None = None
    """How long it took; of a retry, how long until the next attempt."""
    message: str = ""
    """The error or the reason, in one line; of an end, the run's status; of a cached step, the run it came from."""
    error: str = ""
    """Of a run's end: the first failure, in one line."""
    counts: Mapping[str, int] | None = None
    """Of a mapped step, its calls by how they ended; of a run's end, the steps."""


@frozen(kw_only=True)
class Activity:
    """A step that is running or waits for its next attempt."""

    step: str
    seconds: float
    """Since it started; until it starts again if it is ``waiting``."""
    attempt: int
    waiting: bool = False
    calls_done: int = 0
    calls: int = 0
    """The calls of a mapped step as far as they are known; 0 for any other step."""
    calls_failed: int = 0


@frozen(kw_only=True)
class Snapshot:
    """Where a run stands."""

    run: RunInfo
    seconds: float
    done: int
    failed: int
    activities: tuple[Activity, ...]
    """The longest running ones."""
    more: int
    """How many others there are."""
