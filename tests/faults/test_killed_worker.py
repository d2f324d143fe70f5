"""SIGKILL of worker processes of the pool, each while it executes a step."""

from __future__ import annotations

import os
import signal
import time
from random import Random

from faultlab.lab import Lab, Trace
from faultlab.tally import Tally

KILLS = 5


def kill_some(lab: Lab, pipeline: str, chance: Random, tally: Tally) -> set[Trace]:
    """Run the pipeline and kill the workers of some calls in their first attempt; return what they were doing."""
    process = lab.start("run", f"losses.py:{pipeline}", "--stack", "pool")
    seen: set[Trace] = set()
    killed: set[Trace] = set()
    while process.poll() is None:
        for trace in set(lab.traces()) - seen:
            seen.add(trace)
            if trace.attempt == 1 and len(killed) < KILLS and chance.random() < 0.6:
                time.sleep(chance.uniform(0, 0.15))  # it is held for 0.3 s
                os.kill(trace.pid, signal.SIGKILL)
                tally.fault("workers killed")
                killed.add(trace)
        time.sleep(0.005)
    assert killed
    return killed


def test_an_attempt_whose_worker_was_killed_is_retried_and_nothing_else_is(
    lab: Lab, chance: Random, tally: Tally
) -> None:
    """Injects: SIGKILL of workers in the middle of a call with ``retries=1``. Proves: exactly those attempts fail, with an
    error that says so; their second attempts succeed, and so does the run."""
    killed = kill_some(lab, "retried", chance, tally)
    end = lab.end()
    assert end is not None
    assert end.status == "succeeded"
    failed = [record for record in lab.records() if record.status == "failed"]
    assert {(record.step, record.attempt) for record in failed} == {(trace.step, 1) for trace in killed}
    for record in failed:
        assert record.error is not None
        assert "SIGKILL" in record.error.message
    second = {record.step for record in lab.records() if record.attempt == 2}
    assert second == {trace.step for trace in killed}
    assert lab.value("total") == sum(range(12))
    lab.check_store()
    tally.recovery()


def test_an_attempt_whose_worker_was_killed_fails_and_nothing_else_does(lab: Lab, chance: Random, tally: Tally) -> None:
    """Injects: SIGKILL of workers in the middle of a call without retries. Proves: exactly those calls fail, all others
    succeed, and resuming the run executes the failed ones only."""
    killed = kill_some(lab, "unretried", chance, tally)
    end = lab.end()
    assert end is not None
    assert end.status == "failed"
    assert {step for step, summary in end.steps.items() if summary.status == "failed"} == {
        "fragile",
        *(trace.step for trace in killed),
    }
    executed = len(lab.traces())
    done = lab.plugbay("run", "--resume", "last")
    assert done.code == 0, done.err
    assert {(trace.step, trace.attempt) for trace in lab.traces()[executed:]} == {(trace.step, 2) for trace in killed}
    assert lab.value("total") == sum(range(8))
    lab.check_store()
    tally.recovery()
