"""What a step's timeout counts under an engine that has a queue: from submission, or from what the engine tells."""

import itertools
import threading
from pathlib import Path
from typing import Any

import pytest

from plugbay import RunFailed, Stack, pipeline, step
from plugbay.cli.described import step_tree
from plugbay.history.run import StepRun
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import LiveRun, ReadyStep
from plugbay_local.artifact_store import LocalArtifactStore

TIMEOUT, LONG = 0.4, 0.8


@step(timeout=TIMEOUT)
def work() -> int:
    return 1


@step
def after(number: int) -> int:
    return number


@pipeline
def working() -> None:
    after(work())


@component
class Desk:
    """An engine whose queue and whose execution take so many seconds each, and which lets itself be interrupted."""

    waits: float = 0.0
    takes: float = 0.0
    queued: bool = True
    tells: tuple[str, ...] = ("at its start",)

    @hookimpl
    def orchestrator_run(self, run: LiveRun) -> None:
        for ready in run.ready():
            ended = threading.Event()
            if "before it is submitted" in self.tells:
                run.started(ready)
            run.submitted(ready, ended.set, queued=self.queued)
            threading.Thread(target=self._work, args=(run, ready, ended)).start()

    def _work(self, run: LiveRun, ready: ReadyStep, ended: threading.Event) -> None:
        slow = ready.timeout is not None
        given_up = ended.wait(self.waits * slow)
        if not given_up and "at its start" in self.tells:
            run.started(ready)
        given_up = given_up or ended.wait(self.takes / 2 * slow)
        if not given_up and "in the middle" in self.tells:
            run.started(ready)
        if given_up or ended.wait(self.takes / 2 * slow):
            run.complete(ready, ChildProcessError("it was ended"))
        else:
            run.execute(ready)
        if "when it is over" in self.tells:
            run.started(ready)


@pytest.fixture
def worked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("plugbay.execution.timing.TIMEOUT_GRACE", 0.0)

    def run(**settings: Any) -> StepRun:
        stack = Stack(orchestrator=Desk(**settings), artifact_store=LocalArtifactStore(path=tmp_path))
        try:
            return working.run(stack=stack, cache=False)["work"]
        except RunFailed as failed:
            return failed.run["work"]

    return run


@pytest.mark.parametrize(
    ("queued", "told", "waits", "takes"),
    list(itertools.product([True, False], [True, False], [0.0, LONG], [0.0, LONG])),
)
def test_a_timeout_counts_from_submission_or_from_the_start_that_is_told(
    worked: Any, queued: bool, told: bool, waits: float, takes: float
) -> None:
    found = worked(waits=waits, takes=takes, queued=queued, tells=("at its start",) if told else ())
    counted = (0.0 if queued else waits, takes if told or not queued else 0.0)
    overrun = max(counted) > TIMEOUT
    assert found.status == ("failed" if overrun else "succeeded"), str(found.error)
    assert not overrun or f"timeout of {TIMEOUT} s" in str(found.error)


def test_the_record_of_a_step_keeps_its_wait_apart(worked: Any) -> None:
    found = worked(waits=LONG)
    assert found.queued >= LONG
    assert found.seconds < found.queued
    assert step_tree(found)["queued"] == found.queued


def test_the_record_of_a_step_that_was_ended_tells_how_long_it_ran(worked: Any) -> None:
    found = worked(waits=LONG, takes=LONG)
    assert found.status == "failed"
    assert found.queued >= LONG
    assert found.seconds >= TIMEOUT


def test_of_a_lost_step_whose_start_was_not_told_no_wait_is_made_up(worked: Any) -> None:
    found = worked(waits=LONG, queued=False, tells=())
    assert (found.status, found.queued, found.seconds) == ("failed", 0.0, 0.0)


@pytest.mark.parametrize("tells", [("before it is submitted",), ("when it is over",)])
def test_a_start_may_be_told_early_or_late(worked: Any, tells: tuple[str, ...]) -> None:
    assert worked(tells=tells).status == "succeeded"


def test_a_start_that_is_told_again_counts(worked: Any) -> None:
    takes = 1.5 * TIMEOUT
    assert worked(takes=takes, tells=("at its start",)).status == "failed"
    assert worked(takes=takes, tells=("at its start", "in the middle")).status == "succeeded"
