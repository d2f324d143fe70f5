"""What every orchestrator keeps to: the same plan has the same records, wherever its steps are executed.

.. code-block:: python

    class TestMine(OrchestratorContract):
        lacking = {"parallel": "the engine runs one step after the other"}

        @pytest.fixture
        def component(self):
            return Mine()
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from plugbay.errors import RunFailed
from plugbay.execution.driver import resume
from plugbay.execution.resuming import resumption
from plugbay.history.run import Run
from plugbay.host.discovery import installed_plugins
from plugbay.pipelines.pipeline import Pipeline
from plugbay.stack import Stack
from plugbay.testing import pipelines
from plugbay.testing.component import ComponentContract
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import LiveRun, Schedule

UNKNOWN = "00000000-0000-7000-8000-000000000000"
"""A run that nobody has started."""


@component
class Reference:
    """The orchestrator that the others are compared with: one step after the other in this process."""

    @hookimpl
    def orchestrator_run(self, run: LiveRun) -> None:
        """Execute each step."""
        for step in run.ready():
            run.execute(step)


class OrchestratorContract(ComponentContract):
    """Tests of an orchestrator; see the module for how they are adopted."""

    component_type = "orchestrator"
    capabilities = frozenset({"parallel", "cancel", "dynamic_maps", "shared_files"})
    """``shared_files``: the workers reach the driver's files. The others are what its own capabilities promise."""
    tiny_steps: ClassVar[int] = 1000
    """How many steps it takes at a time; less for an engine that needs seconds for each."""
    patience: ClassVar[float] = 15.0
    """Seconds in which a running step ends once it is cancelled."""

    @pytest.fixture
    def store(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The artifact store of both stacks; another one for workers that do not reach this machine's files."""
        monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path / "home"))
        flavor = installed_plugins().require("plugbay.artifact_store", "local", "artifact store flavor").load()
        return flavor(path=tmp_path / "store")

    @pytest.fixture
    def stack(self, component: Any, store: Any) -> Stack:
        """A stack with the orchestrator under test."""
        return Stack(orchestrator=component, artifact_store=store)

    @pytest.fixture
    def reference(self, store: Any) -> Stack:
        """A stack with the orchestrator that it is compared with, and the same store."""
        return Stack(orchestrator=Reference(), artifact_store=store)

    @pytest.fixture
    def notes(self, tmp_path: Path) -> str:
        """A directory in which steps leave notes."""
        directory = tmp_path / "notes"
        directory.mkdir()
        return str(directory)

    def needs(self, *capabilities: str) -> None:
        """Skip the test when the orchestrator lacks one of them."""
        for name in capabilities:
            self.need(name)

    def compare(
        self, stack: Stack, reference: Stack, pipeline: Pipeline[..., Any], *, failure: str = "stop", **parameters: Any
    ) -> Run:
        """Run a pipeline on both stacks, without the cache, and check that the records are the same; return the run."""
        options = {"failure": failure, "cache": False, **parameters}
        expected = _outcome(_run(pipeline, reference, **options))
        run = _run(pipeline, stack, **options)
        _same(_outcome(run), expected)
        return run

    def test_a_missing_capability_is_declared_with_its_reason(self, stack: Stack) -> None:
        able = stack.orchestrator.capabilities()
        told = {name: bool(getattr(able, name)) for name in ("parallel", "cancel", "dynamic_maps")}
        for name, can in told.items():
            assert can or self.lacking.get(name), f"it tells that it has no {name}; lacking[{name!r}] must say why"
            assert not (can and name in self.lacking), f"lacking names {name}, but its capabilities promise it"

    def test_a_diamond(self, stack: Stack, reference: Stack) -> None:
        run = self.compare(stack, reference, pipelines.diamond)
        assert run["bottom"].output.load() == 26, "the result is wrong"

    def test_a_chain(self, stack: Stack, reference: Stack) -> None:
        self.compare(stack, reference, pipelines.chain, length=10)

    @pytest.mark.parametrize("count", [5, 1, 0])
    def test_a_map(self, stack: Stack, reference: Stack, count: int) -> None:
        self.needs("dynamic_maps")
        run = self.compare(stack, reference, pipelines.mapped, count=count)
        assert len(run["square"].calls) == count, "a map has a call for each element"

    @pytest.mark.parametrize("count", [3, 0])
    def test_a_map_over_a_map(self, stack: Stack, reference: Stack, count: int) -> None:
        self.needs("dynamic_maps")
        self.compare(stack, reference, pipelines.mapped_twice, count=count)

    def test_a_map_whose_calls_fail(self, stack: Stack, reference: Stack) -> None:
        self.needs("dynamic_maps")
        run = self.compare(stack, reference, pipelines.mapped_over_a_failure, failure="continue", count=3)
        assert run["total"].status == "skipped", "what needs a failed map is skipped"

    def test_a_retry_has_a_record_and_a_log_of_its_own(self, stack: Stack, reference: Stack) -> None:
        run = self.compare(stack, reference, pipelines.retried, good_attempt=3)
        logs = [run["flaky"].log(number) for number in (1, 2, 3)]
        assert logs == [f"this is attempt {number}\n" for number in (1, 2, 3)], f"the logs are {logs}"

    def test_retries_come_to_an_end(self, stack: Stack, reference: Stack) -> None:
        run = self.compare(stack, reference, pipelines.retried, failure="continue", good_attempt=4)
        assert [record.status for record in run["flaky"].attempts] == ["failed"] * 3, "two retries are three attempts"

    def test_stop_starts_nothing_new(self, stack: Stack, reference: Stack, notes: str) -> None:
        self.needs("shared_files")
        self.compare(stack, reference, pipelines.failing_first, directory=notes)
        assert not pipelines.noted(notes, "after"), "a step that needs a failed one was executed"

    def test_stop_lets_running_steps_end(self, stack: Stack, notes: str) -> None:
        self.needs("parallel", "shared_files")
        run = _run(pipelines.failing_beside_a_long_one, stack, directory=notes, seconds=1)
        statuses = _statuses(run)
        assert statuses == {"bad": "failed", "long": "succeeded", "needs_long": "skipped"}, f"it came to {statuses}"
        assert run.status == "failed", f"the run {run.status}"

    def test_continue_goes_on_with_what_does_not_need_the_failed_step(
        self, stack: Stack, reference: Stack, notes: str
    ) -> None:
        self.needs("shared_files")
        run = self.compare(stack, reference, pipelines.failing, failure="continue", directory=notes)
        assert run["beside_2"].output.load() == 3, "an independent branch goes on"

    def test_fail_fast_cancels_running_steps(self, stack: Stack, notes: str) -> None:
        self.needs("parallel", "cancel", "shared_files")
        before = time.monotonic()
        run = _run(pipelines.failing_beside_a_long_one, stack, failure="fail-fast", directory=notes, seconds=60)
        statuses = _statuses(run)
        assert statuses == {"bad": "failed", "long": "cancelled", "needs_long": "skipped"}, f"it came to {statuses}"
        assert run.failed_step == "bad", f"the run says that {run.failed_step} failed"
        assert time.monotonic() - before < stretched(self.patience + 10), "the running step was waited for"

    def test_a_cancelled_step_does_not_go_on_behind_the_run(self, stack: Stack, notes: str) -> None:
        self.needs("parallel", "cancel", "shared_files")
        _run(pipelines.failing_beside_a_pulsing_one, stack, failure="fail-fast", directory=notes, seconds=60)
        pulse = Path(notes, "pulse")

        def still() -> bool:
            seen = pulse.read_text()
            time.sleep(stretched(0.5))
            return pulse.read_text() == seen

        wait_until(still, self.patience, lacking="the run has ended, and a step that it cancelled did not")

    def test_a_cancelled_run_ends_and_says_so(self, stack: Stack, notes: str) -> None:
        self.needs("shared_files")
        if threading.current_thread() is not threading.main_thread():
            pytest.skip("only the main thread is told of signals")
        seconds = 3 if "cancel" in self.lacking else 60
        before = time.monotonic()
        with _interrupted_once(notes, "long"):
            run = _run(pipelines.long_between, stack, directory=notes, seconds=seconds)
        took = time.monotonic() - before
        statuses = _statuses(run)
        ends = {"cancelled"} if "cancel" not in self.lacking else {"cancelled", "succeeded"}
        assert run.status == "cancelled", f"the run {run.status}"
        assert statuses["first"] == "succeeded", "what was done is kept"
        assert statuses["long"] in ends, f"the running step {statuses['long']}"
        assert statuses["later"] == "skipped", "a step began after the run was cancelled"
        assert took < stretched(self.patience + 20), f"it took {took:.0f} s"

    def test_the_cache_answers_whatever_computed(self, stack: Stack, reference: Stack) -> None:
        first = _run(pipelines.diamond, reference, start=7)
        again, third = _run(pipelines.diamond, stack, start=7), _run(pipelines.diamond, reference, start=7)
        for run in (again, third):
            assert set(_statuses(run).values()) == {"cached"}, f"it came to {_statuses(run)}"
            assert not any(step.attempts for step in run.steps), "a cached step has no attempt"
            assert _digests(run) == _digests(first), "the cache answered with something else"

    def test_what_it_computes_answers_others(self, stack: Stack, reference: Stack) -> None:
        first, again = _run(pipelines.diamond, stack, start=8), _run(pipelines.diamond, reference, start=8)
        assert set(_statuses(first).values()) == {"succeeded"}, f"it came to {_statuses(first)}"
        assert set(_statuses(again).values()) == {"cached"}, "its results are not found in the cache"

    def test_a_resumed_run_keeps_what_was_done(self, stack: Stack, reference: Stack, notes: str) -> None:
        self.needs("shared_files")
        expected = _outcome(_resumed(_run(pipelines.resumable, reference, cache=False, directory=notes), reference))
        run = _run(pipelines.resumable, stack, cache=False, directory=notes)
        assert run.status == "failed", "the first attempt fails"
        run = _resumed(run, stack)
        assert run.status == "succeeded", f"the resumed run {run.status}"
        executed = pipelines.noted(notes, "before")
        assert executed == 2, f"in two runs a step that had succeeded was executed {executed} times"
        found = _outcome(run)
        del expected["steps"]["square"], found["steps"]["square"]  # under `stop` it may have run before or after
        _same(found, expected)

    def test_each_step_is_executed_once(self, stack: Stack, notes: str) -> None:
        self.needs("shared_files")
        _run(pipelines.everything_counted, stack, cache=False, directory=notes, count=12)
        counts = {number: pipelines.noted(notes, f"step{number}") for number in range(12)}
        assert set(counts.values()) == {1}, f"executions by step: {counts}"

    def test_steps_that_can_run_at_the_same_time_do(self, stack: Stack, notes: str) -> None:
        self.needs("parallel", "shared_files")
        run = _run(pipelines.meeting, stack, cache=False, directory=notes)
        assert run.status == "succeeded", f"it promises to be parallel, and two steps did not meet: {run.error}"

    def test_a_timeout_does_not_count_the_wait_for_a_slot(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        """With two slots the last step waits for 2.4 s, and would be ended from outside after 2."""
        self.needs("parallel")
        monkeypatch.setattr("plugbay.execution.timing.TIMEOUT_GRACE", 1.0)
        run = _run(pipelines.crowded, stack, failure="continue", cache=False, ahead=8, seconds=0.6)
        brief = run["brief"]
        assert brief.status == "succeeded", f"submit steps as queued, and tell when they have started: {brief.error}"

    def test_a_step_that_its_timeout_does_not_end_is_ended(self, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
        self.needs("parallel", "cancel")
        monkeypatch.setattr("plugbay.execution.timing.TIMEOUT_GRACE", 0.5)
        before = time.monotonic()
        run = _run(pipelines.deaf_beside_another, stack, failure="continue", cache=False, seconds=120)
        assert time.monotonic() - before < stretched(self.patience + 20), (
            "submit it with what ends it, and tell when it began"
        )
        assert "timeout of 0.5 s" in str(run["deaf"].error), f"it failed with {run['deaf'].error}"
        assert run["square"].status == "succeeded", f"the step beside it {run['square'].status}"

    def test_many_tiny_steps(self, stack: Stack) -> None:
        run = _run(pipelines.wide, stack, cache=False, count=self.tiny_steps)
        assert run.status == "succeeded", f"the run {run.status}: {run.error}"
        assert run["total"].output.load() == sum(range(1, self.tiny_steps + 1)), "the result is wrong"

    def test_a_large_artifact(self, stack: Stack, reference: Stack) -> None:
        run = self.compare(stack, reference, pipelines.heavy, size=20_000_000)
        assert run["checksum_1"].output.load() == run["blob"].output.digest, "the bytes arrived changed"

    def test_names_and_values_in_every_script(self, stack: Stack, reference: Stack) -> None:
        run = self.compare(stack, reference, pipelines.unicode_names, text="Straße 日本 🦦")
        assert run["größe_字母"].log() == "Straße 日本 🦦\n", "the log is not what the step printed"

    def test_a_step_that_ends_its_process_fails_and_nothing_else_does(self, stack: Stack) -> None:
        places = [_run(pipelines.places, stack)[step].output.load() for step in ("here", "there")]
        if any(place.split()[1] == str(os.getpid()) for place in places):
            pytest.skip("steps are executed in the driver's process")
        run = _run(pipelines.accident, stack, failure="continue", cache=False)
        statuses = _statuses(run)
        assert (statuses["vanishes"], statuses["needs_vanishes"]) == ("failed", "skipped"), f"it came to {statuses}"
        assert run["total"].output.load() == 41, "steps beside it were lost"

    def test_a_run_that_nobody_started_is_not_known(self, stack: Stack) -> None:
        """``None`` sends whoever asks to the artifact store, and to the driver."""
        with stack:
            assert stack.orchestrator.status(UNKNOWN) is None
            assert stack.orchestrator.cancel(UNKNOWN, graceful=False) is None
            assert stack.orchestrator.logs(UNKNOWN, "step", follow=False) is None

    def test_a_run_that_is_over_is_known_as_what_it_is(self, stack: Stack) -> None:
        """If it is known at all; and cancelling it is no error and changes nothing."""
        run = _run(pipelines.diamond, stack, cache=False)
        with stack:
            assert stack.orchestrator.status(run.id) in (None, run.status)
            assert stack.orchestrator.cancel(run.id, graceful=True) in (None, True, False)
            assert stack.orchestrator.status(run.id) in (None, run.status), "cancelling it changed how it ended"
            lines = stack.orchestrator.logs(run.id, "bottom", follow=True)
            assert not any("\n" in line for line in lines or ()), "the lines of a log have no line ends"

    def test_an_exported_plan_lies_where_it_should(self, stack: Stack, tmp_path: Path) -> None:
        """If the engine has a form of its own."""
        target = tmp_path / "exported"
        target.mkdir()
        with stack:
            files = stack.orchestrator.export(pipelines.diamond.compile().plan, target)
        assert files is None or files, "nothing was written; an engine that has no form of its own answers None"
        for file in files or ():
            assert file.resolve().is_relative_to(target.resolve()), f"{file} is not in {target}"
            assert file.is_file(), f"{file} was not written"

    def test_a_schedule_is_kept_until_it_is_removed(self, stack: Stack) -> None:
        """By an engine that promises schedules; another one answers ``None``."""
        wanted = Schedule(cron="0 0 1 1 *", timezone="Europe/Berlin")
        with stack:
            promised = stack.orchestrator.capabilities().schedules
            kept = stack.orchestrator.schedule(pipelines.diamond.compile().plan, wanted)
            assert (kept is not None) == promised, f"its capabilities say schedules={promised}"
            if kept is None:
                assert stack.orchestrator.list_schedules() is None
                assert stack.orchestrator.unschedule("nothing") is None
                return
            assert kept.id, "a schedule that is kept has an id"
            assert (kept.cron, kept.timezone) == (wanted.cron, wanted.timezone)
            assert kept in (stack.orchestrator.list_schedules() or ())
            assert stack.orchestrator.unschedule(kept.id) is True
            assert kept not in (stack.orchestrator.list_schedules() or ())
            assert stack.orchestrator.unschedule(kept.id) is False, "an id that is gone is no error, and there was none"

    def test_nothing_is_left_to_run_twice(self, stack: Stack, reference: Stack) -> None:
        """One component serves run after run."""
        outcomes = [_outcome(_run(pipelines.diamond, stack, cache=False, start=start)) for start in (1, 1, 2)]
        _same(outcomes[1], outcomes[0])
        assert outcomes[2] != outcomes[0], "a run has the results of another one"


def _run(pipeline: Pipeline[..., Any], stack: Stack, **options: Any) -> Run:
    """Run a pipeline; the run, whatever became of it."""
    try:
        return pipeline.run(stack=stack, **options)
    except RunFailed as failed:
        return failed.run


def _resumed(run: Run, stack: Stack) -> Run:
    finished = frozenset(step.id for step in run.steps if step.status == "succeeded")
    again = resumption(run.record, finished, pipeline=pipelines.resumable)
    return resume(run.record, again.compiled, stack)


def _statuses(run: Run) -> dict[str, str | None]:
    return {step.id: step.status for step in run.steps}


def _digests(run: Run) -> dict[str, Any]:
    return {step.id: [artifact.digest for artifact in step.record.outputs] for step in run.steps if step.record}


def _outcome(run: Run) -> dict[str, Any]:
    """What must be the same under every orchestrator."""
    steps = {}
    for step in run.steps:
        for each in (step, *step.calls):
            steps[each.id] = {
                "status": each.status,
                "attempts": [(record.attempt, record.status) for record in each.attempts],
                "errors": [str(record.error) for record in each.attempts if record.error],
                "outputs": {a.name: (a.digest, a.size) for record in each.attempts for a in record.outputs},
                "inputs": [dict(record.inputs) for record in each.attempts],
            }
    return {"status": run.status, "error": str(run.error) if run.error else None, "steps": steps}


def _same(found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name in expected["steps"]:
        mine, theirs = found["steps"].get(name), expected["steps"][name]
        assert mine == theirs, f"step {name!r}: the record is {mine}, the reference's is {theirs}"
    told = (
        f"the run is {found['status']}, {found['error']}; the reference's is {expected['status']}, {expected['error']}"
    )
    assert found["steps"].keys() == expected["steps"].keys(), f"there are the steps {list(found['steps'])}"
    assert found["status"] == expected["status"], told
    assert found["error"] == expected["error"], told


@contextmanager
def _interrupted_once(directory: str, name: str) -> Iterator[None]:
    """Send this process SIGTERM as soon as a step has noted ``name``."""
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            if pipelines.noted(directory, name):
                os.kill(os.getpid(), signal.SIGTERM)
                return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
