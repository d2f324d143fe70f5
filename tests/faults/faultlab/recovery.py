"""What has to hold after a driver was killed, and after its run was resumed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TypeVar

from faultlab.lab import Lab
from faultlab.tally import Tally

Item = TypeVar("Item")

STEADY_CALLS = {
    "numbers",
    *(f"square.{index}" for index in range(24)),
    "total",
    "add",
    *(f"add_{number}" for number in range(2, 15)),
}
STEADY_RESULT = sum(number * number for number in range(24)) + sum(range(14))
SMALL_CALLS = {"seed", "text", "length", "double", "double_2", "double_3"}
SMALL_RESULT = 80_000
WORKERS_GONE = 2.0
"""Seconds within which no process of a killed driver may be left; one would do on a machine that does nothing else."""


def instants(chance: Random, count: int, duration: float) -> list[float]:
    """Random instants, one in each of ``count`` equal parts of ``duration``, the very beginning included."""
    return [(part + chance.random()) / count * duration for part in range(count)]


def for_each(items: Sequence[Item], check: Callable[[int, Item], None]) -> None:
    """Check each item; two at a time, because most of the time is spent waiting for processes."""
    with ThreadPoolExecutor(2) as threads:
        outcomes = [threads.submit(check, number, item) for number, item in enumerate(items)]
    failures = [error for outcome in outcomes if isinstance(error := outcome.exception(), Exception)]
    if failures:
        msg = f"{len(failures)} of {len(items)}"
        raise ExceptionGroup(msg, failures)


def check_killed(lab: Lab) -> set[str]:
    """After a kill: nothing is torn, nobody is left. Return the calls that were committed."""
    left = lab.left_within(WORKERS_GONE)
    assert not left, f"{len(left)} processes of the killed driver are alive"
    lab.check_store()
    return set(lab.succeeded())


def resume_to_the_end(
    lab: Lab, committed: set[str], calls: set[str], result: tuple[str, object], tally: Tally, *, stack: str
) -> None:
    """Resume the only run there is (a fresh one, if the first never began) and check all that has to hold."""
    executed = len(lab.traces())
    (run_id,) = lab.run_ids() or [None]
    if run_id is None:
        assert not committed
        assert lab.statuses() == {}
        done = lab.plugbay("run", f"{result[0]}.py", "--stack", stack)
    else:
        done = lab.plugbay("run", "--resume", "last", "--stack", stack)
    assert done.code == 0, done.err
    check_whole(lab, calls, (result[0], result[1]))
    again = {trace.step for trace in lab.traces()[executed:]} & committed
    tally.recovery(lost=len(again))
    assert not again, f"committed and yet executed again: {sorted(again)}"
    assert executed + len(calls - committed) == len(lab.traces())


def check_whole(lab: Lab, calls: set[str], result: tuple[str, object]) -> None:
    """The run has succeeded: every call once by the records, with the right result, in a sound store."""
    lab.check_store()
    assert lab.succeeded() == dict.fromkeys(calls, 1)
    end = lab.end()
    assert end is not None
    assert end.status == "succeeded"
    last = {"steady": "add_14", "small": "double_3", "whole": "total"}[result[0]]
    assert lab.value(last) == result[1]
