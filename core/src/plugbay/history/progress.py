"""Where a step stands that has not ended: what it does, or what it waits for."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Literal, TypeAlias

from attrs import frozen

from plugbay.errors import listed
from plugbay.pipelines.compiling import needs
from plugbay.store.documents import CallInHand, InHand
from plugbay_hookspecs.types import PlannedStep

State: TypeAlias = Literal["running", "queued", "pending"]
_SHOWN = 3


@frozen
class StepProgress:
    """Where a step, or a call of a mapped one, stands in a run that goes on."""

    state: State
    """``running``; ``queued`` by the engine that has it; or ``pending``."""
    reason: str = ""
    """Why it does not run yet, for a person."""
    since: float | None = None
    """Since when it has run or has been queued, in seconds since the epoch."""


def progress_of_call(call: CallInHand) -> StepProgress:
    """Where a call stands that a driver has in hand."""
    if call.state == "running":
        return StepProgress("running", f"attempt {call.attempt}" if call.attempt > 1 else "", call.at)
    if call.state == "queued":
        return StepProgress("queued", call.reason, call.at)
    if call.state == "retrying":
        left = max(0.0, call.at - time.time())
        return StepProgress("pending", f"attempt {call.attempt} begins in {left:.0f} s")
    return StepProgress("pending", "waits for others to end: no more can run at once")


def progress_of_step(step: PlannedStep, in_hand: InHand | None, ended: Collection[str]) -> StepProgress:
    """Where a step stands of which nothing has become yet.

    :param in_hand: what the driver has told.
    :param ended: the ids of the steps that have ended.
    """
    counts = {} if in_hand is None else in_hand.counts.get(step.id, {})
    if counts and in_hand is not None:
        return StepProgress("running" if counts.get("running") else "queued" if counts.get("queued") else "pending")
    missing = [needed for needed in needs(step) if needed not in ended]
    if not missing:
        return StepProgress("pending", "it can run" if in_hand is None else "it is about to run")
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    return StepProgress("pending", f"needs {listed(missing[:_SHOWN])}{more}")
