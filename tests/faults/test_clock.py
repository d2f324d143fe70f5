"""A clock that jumps backwards: at a run's beginning, and in the middle of it."""

from __future__ import annotations

import time

from faultlab.lab import Lab
from faultlab.processes import kill_group
from faultlab.recovery import STEADY_RESULT, check_killed
from faultlab.tally import Tally

DAY = 86_400


def test_runs_on_a_clock_that_was_set_back_get_earlier_ids_and_are_as_good_as_any(lab: Lab, tally: Tally) -> None:
    """Injects: a clock set back by a day before a second run, which is killed. Proves: its id sorts before the first one's; both
    are listed; it is interrupted, resumed by its id, and gives the same result; garbage collection keeps both."""
    assert lab.plugbay("run", "steady.py", "--stack", "inline", "--no-cache").code == 0
    (first,) = lab.run_ids()
    process = lab.start("run", "steady.py", "--stack", "inline", "--no-cache", env=lab.shim(clock=-DAY))
    tally.fault("clocks set back")
    while len(lab.records()) < 38 + 10:
        time.sleep(0.01)
    kill_group(process)
    check_killed(lab)
    second, _ = lab.run_ids()
    assert second < first
    assert lab.statuses() == {first: "succeeded", second: "interrupted"}
    kept = set(lab.succeeded(second))
    executed = len(lab.traces())
    done = lab.plugbay("run", "--resume", second, "--stack", "inline", env=lab.shim(clock=-2 * DAY))
    tally.fault("clocks set back")
    assert done.code == 0, done.err
    again = {trace.step for trace in lab.traces()[executed:]} & kept
    tally.recovery(lost=len(again))
    assert not again
    assert lab.value("add_14", first) == lab.value("add_14", second) == STEADY_RESULT
    assert lab.plugbay("gc", "--grace", "1s").code == 0
    assert lab.statuses() == {first: "succeeded", second: "succeeded"}
    lab.check_store()


def test_a_clock_that_jumps_back_in_the_middle_of_a_run_changes_nothing(lab: Lab, tally: Tally) -> None:
    """Injects: a clock that jumps back by a day after sixty looks at it. Proves: the run succeeds, its records are whole,
    and it can be listed and shown."""
    done = lab.plugbay("run", "steady.py", "--stack", "inline", env=lab.shim(clock=-DAY, clock_after=60))
    tally.fault("clocks set back")
    assert done.code == 0, done.err
    records = lab.records()
    assert any(later.started < earlier.started - DAY / 2 for earlier in records for later in records)
    assert lab.value("add_14") == STEADY_RESULT
    assert list(lab.statuses().values()) == ["succeeded"]
    assert lab.plugbay("show", "last").code == 0
    tally.recovery()
