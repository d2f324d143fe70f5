"""SIGINT and SIGTERM at random instants."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random

import pytest
from faultlab.lab import Lab
from faultlab.recovery import STEADY_CALLS, STEADY_RESULT, check_killed, for_each, instants, resume_to_the_end
from faultlab.tally import Tally

INSTANTS = 8


@pytest.mark.parametrize("stack", ["pool", "inline"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: signal.Signals(number).name)
def test_a_run_that_is_asked_to_stop_is_cancelled_and_can_be_resumed(
    stack: str, number: signal.Signals, make_lab: Callable[[str], Lab], chance: Random, tally: Tally
) -> None:
    """Injects: SIGINT or SIGTERM, to the driver or its whole group, at 8 instants. Proves: once there is a run, exit code 130
    and records that say cancelled (or success, when it was over already); before, nothing is left; and resuming succeeds
    without executing a committed step again."""

    def check(index: int, instant: float) -> None:
        lab = make_lab(f"stopped-{index}")
        process = lab.start("run", "steady.py", "--stack", stack)
        time.sleep(instant)
        with suppress(ProcessLookupError):
            (os.killpg if index % 2 else os.kill)(process.pid, number)
        code = process.wait(30)
        tally.fault(f"{number.name}s")
        committed = check_killed(lab)
        statuses = list(lab.statuses().values())
        if not statuses:  # it came before the run began, or even before Python was up
            assert code != 0
        elif statuses == ["succeeded"]:  # the signal may have met a process whose run was over
            assert code in (0, 130, -number)
        else:
            end = lab.end()
            assert statuses == ["cancelled"], f"after {instant:.3f} s: {statuses}, exit code {code}"
            assert code == 130
            assert end is not None
            assert {summary.status for summary in end.steps.values()} <= {"succeeded", "cancelled", "skipped"}
            assert {record.status for record in lab.records()} <= {"succeeded", "cancelled"}
        resume_to_the_end(lab, committed, STEADY_CALLS, ("steady", STEADY_RESULT), tally, stack=stack)

    for_each(instants(chance, INSTANTS, 1.3 if stack == "pool" else 0.9), check)
