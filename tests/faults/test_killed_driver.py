"""SIGKILL of the driver at random instants; see each test for what it proves."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import pytest
from faultlab.lab import Lab
from faultlab.processes import kill_alone, kill_group
from faultlab.recovery import (
    STEADY_CALLS,
    STEADY_RESULT,
    check_killed,
    check_whole,
    for_each,
    instants,
    resume_to_the_end,
)
from faultlab.tally import Tally

INSTANTS = 16
REPEATED = 8


def undisturbed(lab: Lab, stack: str) -> float:
    """Run the pipeline without a fault; return how many seconds it took."""
    began = time.monotonic()
    process = lab.start("run", "steady.py", "--stack", stack)
    assert process.wait(60) == 0
    check_whole(lab, STEADY_CALLS, ("steady", STEADY_RESULT))
    return time.monotonic() - began


@pytest.mark.parametrize("stack", ["pool", "inline"])
def test_a_run_whose_driver_was_killed_at_any_instant_is_resumed_without_losing_a_step(
    stack: str, make_lab: Callable[[str], Lab], chance: Random, tally: Tally
) -> None:
    """Injects: SIGKILL of the driver, alone or with its process group, at 16 instants from the start of its process on.

    Proves: no torn document, no process left, ``plugbay runs`` says interrupted (or lists nothing, if the run never began),
    and ``--resume last`` gives the same result without executing a committed step again.
    """
    duration = undisturbed(make_lab("undisturbed"), stack)

    def check(number: int, instant: float) -> None:
        lab = make_lab(f"killed-{number}")
        process = lab.start("run", "steady.py", "--stack", stack)
        time.sleep(instant)
        (kill_group if number % 2 else kill_alone)(process)
        tally.fault("drivers killed")
        committed = check_killed(lab)
        expected = [] if not lab.run_ids() else ["succeeded" if lab.end() else "interrupted"]
        assert list(lab.statuses().values()) == expected
        resume_to_the_end(lab, committed, STEADY_CALLS, ("steady", STEADY_RESULT), tally, stack=stack)

    for_each(instants(chance, INSTANTS, duration), check)


@pytest.mark.parametrize("stack", ["pool", "inline"])
def test_a_run_that_is_killed_again_and_again_gets_to_its_end(
    stack: str, lab: Lab, chance: Random, tally: Tally
) -> None:
    """Injects: SIGKILL of the driver of one run and of each of its next 7 resumptions.

    Proves: each resumption keeps all that the ones before have committed, and the last one finishes the run.
    """
    committed: set[str] = set()
    for number in range(REPEATED):
        executed = len(lab.traces())
        words = ("--resume", "last") if lab.run_ids() else ("steady.py",)
        process = lab.start("run", *words, "--stack", stack)
        time.sleep(chance.uniform(0.45, 0.75))
        (kill_alone if number % 2 else kill_group)(process)
        tally.fault("drivers killed")
        kept, committed = committed, check_killed(lab)
        assert kept <= committed
        assert not {trace.step for trace in lab.traces()[executed:]} & kept
    resume_to_the_end(lab, committed, STEADY_CALLS, ("steady", STEADY_RESULT), tally, stack=stack)
