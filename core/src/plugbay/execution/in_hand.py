"""What a run that goes on is doing, as its driver's heartbeat tells it to those who look."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from plugbay.execution.ready_step import Attempt
from plugbay.execution.schedule import Call
from plugbay.store.documents import CallInHand, CallState, InHand, StepSummary

_MOST = 1_000
"""Calls that are told one by one; the others are counted."""


def in_hand(
    attempts: Iterable[Attempt],
    waiting: Sequence[Call],
    retries: Sequence[tuple[Call, float]],
    summaries: Mapping[str, StepSummary],
    *,
    number: Callable[[Call], int],
) -> InHand:
    """Describe what a run has in hand.

    :param attempts: those that the engine has.
    :param waiting: calls that can start, and wait for room.
    :param retries: calls that wait to be tried again, each with the seconds until then.
    :param summaries: what became of each step and call so far.
    :param number: gives the number that the next attempt of a call has.
    """
    now = time.time()
    counts: dict[str, Counter[str]] = {}
    calls: list[CallInHand] = []

    def tell(call: Call, state: CallState, attempt: int, at: float, reason: str = "") -> None:
        counts.setdefault(call.step.id, Counter())[state] += 1
        if len(calls) < _MOST:
            calls.append(CallInHand(step=call.id, state=state, attempt=attempt, at=at, reason=reason))

    for attempt in attempts:
        if attempt.queued and attempt.began is None:
            tell(attempt.call, "queued", attempt.info.attempt, attempt.task.offered, attempt.waits_for)
        else:
            tell(attempt.call, "running", attempt.info.attempt, attempt.began or attempt.task.offered)
    for call, seconds in retries:
        tell(call, "retrying", number(call), round(now + seconds, 1))
    for step, count in Counter(call.step.id for call in waiting).items():
        counts.setdefault(step, Counter())["waiting"] += count
    for call in itertools.islice(waiting, _MOST - len(calls)):
        calls.append(CallInHand(step=call.id, state="waiting", attempt=number(call)))
    steps = {step: summary for step, summary in summaries.items() if not summary.attempt}
    return InHand(at=now, counts=counts, calls=tuple(calls), steps=steps)
