"""Steps that run as jobs of a step operator, with one that starts a process for each."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
import pytest

from plugbay import PlugbayError, RunFailed, pipeline
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import JobStatus, OperatorCapabilities, StepInfo

PROJECTS = str(Path(__file__).parent / "projects")
pytestmark = pytest.mark.usefixtures("project")


@component
class Box:
    """Runs each step in a process."""

    folder: Path
    resources: frozenset[str] = frozenset()
    image: Any = "unused"
    waits: bool = True
    forgets: bool = False
    submits: bool = True
    queues: float = 0.0
    """Seconds for which a job is queued."""
    unsure: int = 0
    """How many questions for a status go wrong."""
    given: list[dict[str, Any]] = attrs.field(factory=list)
    cleaned: list[str] = attrs.field(factory=list)
    _jobs: dict[str, subprocess.Popen[bytes]] = attrs.field(factory=dict, init=False)

    @hookimpl
    def step_operator_capabilities(self):
        return OperatorCapabilities(resources=self.resources, image=self.image)

    @hookimpl
    def step_operator_submit(self, step: StepInfo, command, environment, resources, timeout):
        if not self.submits:
            msg = "the queue is closed"
            raise ConnectionRefusedError(msg)
        job = f"{step.step}-{step.attempt}"
        self.given.append({"job": job, "environment": dict(environment), "resources": resources, "timeout": timeout})
        self.folder.mkdir(exist_ok=True)
        queued = [
            "sh",
            "-c",
            'sleep "$1"; touch "$0"; shift; exec "$@"',
            self.folder / f"{job}.begun",
            str(self.queues),
        ]
        with (self.folder / job).open("wb") as log:
            self._jobs[job] = subprocess.Popen(
                [*queued, *command],
                env={**os.environ, **environment, "PYTHONPATH": PROJECTS},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return job

    @hookimpl
    def step_operator_status(self, job: str) -> JobStatus:
        if self.forgets:
            self._jobs[job].kill()
            self._jobs[job].wait()
            raise KeyError(job)
        if self.unsure > 0:
            self.unsure -= 1
            msg = "try again"
            raise TimeoutError(msg)
        code = self._jobs[job].poll()
        if code is None:
            begun = (self.folder / f"{job}.begun").exists()
            return JobStatus(state="running") if begun else JobStatus(state="queued", reason="the box is full")
        return JobStatus(state="failed" if code else "succeeded", exit_code=code, reason="out of luck" if code else "")

    @hookimpl
    def step_operator_wait(self, job: str, timeout: float | None) -> JobStatus | None:
        if not self.waits:
            return None
        try:
            self._jobs[job].wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        return self.step_operator_status(job)

    @hookimpl
    def step_operator_cancel(self, job: str) -> None:
        self._jobs[job].kill()

    @hookimpl
    def step_operator_logs(self, job: str):
        return iter((self.folder / job).read_text().splitlines())

    @hookimpl
    def step_operator_cleanup(self, job: str) -> None:
        self.cleaned.append(job)
        msg = "nobody minds"
        raise OSError(msg)


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(folder=tmp_path / "box")


@pytest.fixture
def operated(make_stack, box):
    return make_stack(step_operator={"box": box})


def failed(function: Any, stack: Any) -> Any:
    with pytest.raises(RunFailed) as caught:
        pipeline(function).run(stack=stack)
    return caught.value.run


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("waits", [True, False])
def test_a_step_runs_where_its_operator_runs_it(make_stack, box, workers, waits):
    from operated_steps import elsewhere, here

    box.waits = waits
    run = pipeline(lambda: here(elsewhere.with_options(timeout=50)(3))).run(
        stack=make_stack(step_operator={"box": box}, workers=workers)
    )
    value, there, pid = run["here"].output.load()
    assert value == 3
    assert os.getpid() not in {there} | ({pid} if workers > 1 and pid != os.getpid() else set())
    assert "printed there" in run["elsewhere"].log()
    assert (box.given[0]["job"], box.given[0]["timeout"], box.cleaned) == ("elsewhere-1", 50, ["elsewhere-1"])


def test_its_own_error_is_in_the_record_and_it_is_retried(operated, box):
    from operated_steps import broken

    run = failed(lambda: broken.with_options(retries=1, retry_delay=0)(1), operated)
    assert [str(attempt.error) for attempt in run["broken"].attempts] == ["ValueError: mine"] * 2
    assert box.cleaned == ["broken-1", "broken-2"]


def test_a_job_without_a_record_fails_the_attempt_and_leaves_its_log(operated):
    from operated_steps import killed

    run = failed(lambda: killed(1), operated)
    assert "job killed-1 of step operator 'box' failed with exit code 9 without a record: out of luck" in str(run.error)
    assert run["killed"].status == "failed"


def test_a_job_that_is_not_known_any_more_is_lost(operated, box, tmp_path):
    from operated_steps import slow

    box.forgets, box.waits = True, False
    assert "does not know job slow-1 any more" in str(failed(lambda: slow(str(tmp_path / "x")), operated).error)


def test_a_job_that_is_not_taken_fails_the_attempt(operated, box):
    from operated_steps import elsewhere

    box.submits = False
    assert "the queue is closed" in str(failed(lambda: elsewhere(1), operated).error)


def test_a_tool_that_cannot_be_asked_is_asked_again(operated, box):
    from operated_steps import elsewhere

    box.unsure = 2
    assert pipeline(lambda: elsewhere(1)).run(stack=operated).status == "succeeded"


def test_a_timeout_ends_the_job(operated):
    from operated_steps import slow

    began = time.monotonic()
    run = failed(lambda: slow.with_options(timeout=1.0)("/dev/null"), operated)
    assert "StepTimeout" in str(run.error)
    assert time.monotonic() - began < stretched(30)


def test_a_timeout_does_not_count_the_time_in_the_queue(operated, box, monkeypatch):
    from operated_steps import elsewhere

    monkeypatch.setattr("plugbay.execution.timing.TIMEOUT_GRACE", 0.0)
    timeout = stretched(5)
    box.queues = timeout + 2
    run = pipeline(lambda: elsewhere.with_options(timeout=timeout)(3)).run(stack=operated)
    assert run["elsewhere"].queued > timeout
    assert run["elsewhere"].seconds < timeout


def test_what_a_job_waits_for_is_told_by_the_driver(make_stack, box, tmp_path):
    from operated_steps import slow

    from plugbay.history.queries import runs

    stack = make_stack(step_operator={"box": box})
    box.queues = 600
    found: list[Any] = []

    def look() -> bool:
        (run,) = runs(stack=stack) or (None,)
        progress = run["slow"].progress if run is not None else None
        found[:] = [progress.state, progress.reason] if progress is not None else []
        return found[:1] == ["queued"]

    def interrupt() -> None:
        with suppress(AssertionError):
            wait_until(look)
        box.step_operator_cancel("slow-1")

    thread = threading.Thread(target=interrupt)
    thread.start()
    run = failed(lambda: slow(str(tmp_path / "started")), stack)
    thread.join()
    assert (found, run["slow"].status) == (["queued", "the box is full"], "failed")


def test_cancelling_the_run_ends_the_job(operated, box, tmp_path):
    import signal

    from operated_steps import slow

    started = tmp_path / "started"

    def interrupt() -> None:
        with suppress(AssertionError):
            wait_until(started.exists)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    run = failed(lambda: slow(str(started)), operated)
    thread.join()
    assert (run.status, run["slow"].status, box.cleaned) == ("cancelled", "cancelled", ["slow-1"])


def test_each_call_is_a_job_of_its_own(make_stack, box):
    from operated_steps import elsewhere

    run = pipeline(lambda: [elsewhere(number) for number in range(3)] and None).run(
        stack=make_stack(step_operator={"box": box})
    )
    pids = {run[step].output.load()[1] for step in ("elsewhere", "elsewhere_2", "elsewhere_3")}
    assert len(pids) == 3


class TestRefused:
    def test_an_operator_that_the_stack_has_not(self, make_stack, box):
        from operated_steps import elsewhere

        with pytest.raises(PlugbayError, match="names the step operator 'box', and the stack has none"):
            pipeline(lambda: elsewhere(1)).run(stack=make_stack())
        with pytest.raises(PlugbayError, match="and the stack has just boxes; did you mean 'boxes'"):
            pipeline(lambda: elsewhere(1)).run(stack=make_stack(step_operator={"boxes": box}))

    def test_resources_that_it_cannot_grant(self, operated, make_stack, tmp_path):
        from operated_steps import greedy

        with pytest.raises(PlugbayError, match="step 'greedy' asks step operator 'box' for gpu"):
            pipeline(lambda: greedy()).run(stack=operated)
        able = Box(folder=tmp_path / "box", resources=frozenset({"gpu"}))
        assert pipeline(lambda: greedy()).run(stack=make_stack(step_operator={"box": able})).status == "succeeded"
        assert able.given[0]["resources"].gpu == 1

    def test_an_image_that_nobody_builds(self, operated, box):
        from operated_steps import elsewhere

        box.image = "required"
        with pytest.raises(PlugbayError, match="in a container image only"):
            pipeline(lambda: elsewhere(1)).run(stack=operated)
