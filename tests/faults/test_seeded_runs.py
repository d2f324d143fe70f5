"""Many runs, each with faults of its own one after the other, until it has come to its end.

``PLUGBAY_FAULT_SEEDED_RUNS`` says how many: set it to 1000 for the long one, which takes some ten minutes.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

import pytest
from faultlab.control import Kind, Role
from faultlab.quick import QuickLab, QuickLabs
from faultlab.recovery import SMALL_CALLS, SMALL_RESULT, check_killed, check_whole
from faultlab.tally import Tally

SEED = os.environ.get("PLUGBAY_FAULT_SEED", "20240229")
RUNS = int(os.environ.get("PLUGBAY_FAULT_SEEDED_RUNS", "100"))
IN_ONE = 25
"""Runs in one test."""
INJURIES = 5
"""Faults that a run meets at most."""
LATEST = 60
"""The number of a process' call that changes a file system at which it is killed, at most: some never come to it."""
KINDS = ["killed", "torn", "worker killed", "interrupted", "cancelled", "paused"]


def ends_of(lab: QuickLab) -> dict[str, bytes]:
    names = [*lab.store.glob("runs/*/end.json"), *lab.store.glob("runs/*/ends/*.json")]
    return {str(path): path.read_bytes() for path in names}


class SeededRun:
    """A run, and all that happens to it."""

    def __init__(self, lab: QuickLab, chance: random.Random, tally: Tally) -> None:
        self.lab, self.chance, self.tally = lab, chance, tally
        self.stack = chance.choice(["inline", "pool"])
        self.committed: set[str] = set()
        self.ends: dict[str, bytes] = {}

    def play(self) -> None:
        for _ in range(self.chance.randint(1, INJURIES)):
            self.go_on(self.chance.choice(KINDS))
            if self.lab.run_ids() and self.lab.statuses() == {self.lab.run_ids()[0]: "succeeded"}:
                break
        self.go_on(None)
        check_whole(self.lab, SMALL_CALLS, ("small", SMALL_RESULT))
        self.tally.recovery()

    def go_on(self, kind: str | None) -> None:
        """Begin or resume the run, have it meet a fault, and see what it has come to."""
        lab = self.lab
        executed = len(lab.traces())
        words = ["run", *(("--resume", "last") if lab.run_ids() else ("small.py",)), "--stack", self.stack]
        if kind in ("killed", "torn", "worker killed"):
            self.kill(kind, words)
        elif kind is None:
            done = lab.plugbay(*words)
            assert done.code == 0, done.err
        else:
            self.disturb(kind, words)
        again = {trace.step for trace in lab.traces()[executed:]} & self.committed
        now = check_killed(lab)
        ends = ends_of(lab)
        changed = [path for path, content in self.ends.items() if ends.get(path) != content]
        lost = self.committed - now
        self.tally.damage(lost=len(lost), twice=len(again), overwritten=len(changed))
        assert (again, lost, changed) == (set(), set(), [])
        self.committed, self.ends = now, ends

    def kill(self, kind: str, words: list[str]) -> None:
        """Kill a process, alone or with all others, at one of its writes or within it."""
        worker = kind == "worker killed" and self.stack == "pool"
        control = self.lab.control(
            roles=Role.WORKER if worker else Role.DRIVER,
            at=self.chance.randint(1, LATEST),
            kind=Kind.TEAR if kind == "torn" else Kind.KILL,
            everyone=not worker and self.chance.random() < 0.5,
        )
        done = self.lab.plugbay(*words, control=control)
        assert "internal error" not in done.err, done.err
        if control.met:
            self.tally.fault(f"runs {kind}")

    def disturb(self, kind: str, words: list[str]) -> None:
        """Interrupt, cancel or pause the driver at any instant, and let it come to an end."""
        control = self.lab.control()
        with self.lab.begin(*words, control=control) as command:
            time.sleep(self.chance.uniform(0.0, 0.4))
            if kind == "interrupted":
                self.send(command.pid, signal.SIGINT)
            elif kind == "cancelled" and self.lab.run_ids():
                self.lab.plugbay("cancel", "last", "--stack", self.stack)
            else:
                self.send(command.pid, signal.SIGSTOP)
                if self.lab.run_ids():  # it is alive, whatever it looks like
                    other = self.lab.plugbay("run", "--resume", "last", "--stack", self.stack)
                    assert other.code in (0, 2), other.err
                self.send(command.pid, signal.SIGCONT)
            self.tally.fault(f"runs {kind}")
            done = command.end()
        assert "internal error" not in done.err, done.err

    @staticmethod
    def send(pid: int, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


@pytest.mark.parametrize("first", range(0, RUNS, IN_ONE))
def test_a_run_that_meets_fault_after_fault_comes_to_its_end(first: int, labs: QuickLabs, tally: Tally) -> None:
    """Injects: up to five faults in a row into each of many runs, inline and on a pool: a driver, a worker or all processes killed at
    a write or within it, an interrupt, a request to cancel, a pause with another driver that tries to take over. Proves: no committed step
    is lost or executed again, no end is changed, no document torn, no process left; the last resumption succeeds with the right result."""
    failures: list[Exception] = []
    for number in range(first, min(first + IN_ONE, RUNS)):
        with labs.lab() as lab:
            try:
                SeededRun(lab, random.Random(f"{SEED}:{number}"), tally).play()
            except Exception as error:
                error.add_note(f"run {number}, in {lab.directory}")
                failures.append(error)
    if failures:
        msg = f"{len(failures)} of {IN_ONE}"
        raise ExceptionGroup(msg, failures)
