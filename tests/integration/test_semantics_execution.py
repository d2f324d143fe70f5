import asyncio
import math
import os
import threading
import time
from typing import Annotated, Any

import attrs
import pytest

from plugbay import PlugbayError, RunFailed, Stack, current, pipeline, step
from plugbay.errors import CorruptArtifactError, OutputError
from plugbay.store.layout import attempt_key, cache_key
from plugbay.testing.waiting import stretched
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Capabilities
from plugbay_local.artifact_store import LocalArtifactStore


@step
def one() -> int:
    return 1


@step
def add(a: int, b: int = 1) -> int:
    return a + b


@step
def numbers(count: int) -> list[int]:
    return list(range(count))


@step
def total(values: list[int]) -> int:
    return sum(values)


@step
def flat(values: list[Any]) -> list[Any]:
    return values


@step
def broken(x: Any = None) -> int:
    raise ValueError("mine")


def failed(function: Any, stack: Any, **options: Any) -> Any:
    with pytest.raises(RunFailed) as caught:
        pipeline(function).run(stack=stack, **options)
    assert caught.value.run.status == "failed"
    return caught.value.run


@component
class StoreWatcher:
    """Looks into the store at the moment it is told of a success."""

    stack: Any = attrs.field(default=None)
    seen: list[bool] = attrs.field(factory=list)

    @hookimpl
    def step_succeeded(self, step, outputs, seconds):
        store = self.stack.artifact_store
        record = store.stat(attempt_key(step.run_id, step.step, step.attempt))
        blobs = [store.stat(f"blobs/{a.digest[:2]}/{a.digest}") for a in outputs.values() if a.inline is None]
        self.seen.append(record is not None and bool(blobs) and all(blobs))


def test_success_is_told_after_outputs_and_record_are_stored(make_stack):
    watcher = StoreWatcher()
    watcher.stack = stack = make_stack(watcher)

    @step
    def big() -> bytes:
        return b"x" * 100_000

    pipeline(lambda: big()).run(stack=stack)
    assert watcher.seen == [True]


def several() -> Annotated[int, "count"]:
    return 1


WRONG_OUTPUTS = {
    "type": (lambda: "text", int, "output 'output' of step 'make': expected int, got str ('text')"),
    "element": (lambda: [1, "2"], list[int], "output 'output' of step 'make'[1]: expected int, got str ('2')"),
    "none where one is declared": (lambda: None, int, "expected int, got NoneType"),
    "one where none is declared": (lambda: 3, None, "declares no output, but returned int"),
    "too few": (
        lambda: (1,),
        tuple[Annotated[int, "a"], Annotated[int, "b"]],
        "declares 2 outputs, but returned 1 values",
    ),
    "too many": (
        lambda: (1, 2, 3),
        tuple[Annotated[int, "a"], Annotated[int, "b"]],
        "declares 2 outputs, but returned 3",
    ),
    "no tuple": (lambda: 1, tuple[Annotated[int, "a"], Annotated[int, "b"]], "but returned one int"),
    "one of several": (
        lambda: (1, "x"),
        tuple[Annotated[int, "a"], Annotated[int, "b"]],
        "output 'b' of step 'make': expected int, got str ('x')",
    ),
}


@pytest.mark.parametrize(("result", "hint", "told"), WRONG_OUTPUTS.values(), ids=WRONG_OUTPUTS)
def test_a_wrong_output_fails_the_step_that_returned_it(stack, recorder, result, hint, told):
    def make():
        return result()

    make.__annotations__["return"] = hint
    run = failed(lambda: step(make)(), stack)
    assert told in run["make"].error.message
    assert run["make"].error.type == "plugbay.errors.OutputError"
    assert not recorder.named("step_succeeded")
    assert not list(stack.artifact_store.list("cache/"))


def test_a_retry_waits_longer_each_time_and_has_a_record_and_a_log_of_its_own(stack, recorder):
    @step(retries=3, retry_delay=0.02, backoff=2)
    def flaky() -> int:
        print("attempt", current().attempt)
        if current().attempt < 4:
            raise ValueError(f"no {current().attempt}")
        return current().attempt

    run = pipeline(lambda: flaky()).run(stack=stack)
    delays = [event["delay"] for event in recorder.named("step_retrying")]
    for delay, expected in zip(delays, (0.02, 0.04, 0.08), strict=True):
        assert expected <= delay <= expected * 1.1
    assert [record.status for record in run["flaky"].attempts] == ["failed"] * 3 + ["succeeded"]
    assert [record.error and record.error.message for record in run["flaky"].attempts] == ["no 1", "no 2", "no 3", None]
    assert [run["flaky"].log(number) for number in (1, 2, 3, 4)] == [f"attempt {n}\n" for n in (1, 2, 3, 4)]
    starts = [record.started for record in run["flaky"].attempts]
    assert all(later - earlier >= delay for earlier, later, delay in zip(starts, starts[1:], delays, strict=False))


def test_a_delay_beyond_all_numbers_does_not_end_the_run(stack):
    @step(retries=3, retry_delay=0, backoff=1e300)
    def flaky() -> int:
        if current().attempt < 4:
            raise ValueError
        return 1

    assert pipeline(lambda: flaky()).run(stack=stack).status == "succeeded"


def test_after_its_last_attempt_a_step_has_failed(stack, recorder):
    @step(retries=1, retry_delay=0)
    def never() -> int:
        raise KeyError("x")

    run = failed(lambda: never(), stack)
    assert recorder.order()[1:4] == ["step_started never", "step_retrying never", "step_started never"]
    assert [event["step"].attempt for event in recorder.named("step_failed")] == [2]
    assert run["never"].status == "failed"


def flights():
    bad = broken(id="bad")
    add(bad, id="needs_bad")
    add(add(one(), id="beside"), id="beside_2")


def test_stop_starts_nothing_new(stack, recorder):
    run = failed(flights, stack, failure="stop")
    assert run.failed_step == "bad"
    assert run["needs_bad"].status == "skipped"
    assert run["needs_bad"].summary.reason == "it needs 'bad', which failed"
    assert run["beside_2"].status == "skipped"


def test_continue_goes_on_with_what_does_not_need_it(stack, recorder):
    run = failed(flights, stack, failure="continue")
    assert {s.id: s.status for s in run.steps} == {
        "bad": "failed",
        "needs_bad": "skipped",
        "one": "succeeded",
        "beside": "succeeded",
        "beside_2": "succeeded",
    }
    assert recorder.order()[-1] == "run_finished"
    assert run["beside_2"].output.load() == 3


@component
class Batches:
    """Takes many steps at once and executes them one after the other."""

    most: int = 3
    taken: list[list[str]] = attrs.field(factory=list)

    @hookimpl
    def orchestrator_capabilities(self):
        return Capabilities(dynamic_maps=True)

    @hookimpl
    def orchestrator_run(self, run):
        for steps in run.ready_together(self.most):
            self.taken.append([each.info.step for each in steps])
            for each in steps:
                run.execute(each)


def test_steps_that_can_start_together_are_handed_out_together(tmp_path):
    batches = Batches()
    stack = Stack(orchestrator=batches, artifact_store=LocalArtifactStore(path=tmp_path))

    @pipeline
    def adding():
        total(add.map(numbers(5)))

    assert adding.run(stack=stack)["total"].output.load() == 15
    assert batches.taken == [["numbers"], ["add.0", "add.1", "add.2"], ["add.3", "add.4"], ["total"]]
    batches.taken.clear()
    adding.run(stack=stack)
    assert batches.taken == [], "what the cache answers is not handed out"


def test_a_failure_in_a_batch_starts_nothing_new(tmp_path):
    batches = Batches()

    def failing():
        fails = broken()
        for number in range(4):
            add(number).after(fails)
        one()
        for number in range(4, 9):
            add(number)

    run = failed(failing, Stack(orchestrator=batches, artifact_store=LocalArtifactStore(path=tmp_path)))
    assert len(batches.taken) == 1
    assert "broken" in batches.taken[0]
    assert run["add"].status == "skipped"


def test_the_steps_own_exception_is_the_cause(stack):
    with pytest.raises(RunFailed) as caught:
        pipeline(lambda: broken()).run(stack=stack)
    assert isinstance(caught.value.__cause__, ValueError)
    assert "step 'broken' failed: ValueError: mine" in str(caught.value)
    assert "test_semantics_execution.py" in caught.value.run["broken"].error.traceback
    assert "plugbay/execution" not in caught.value.run["broken"].error.traceback


def test_several_observers_are_told_and_one_that_raises_stops_nothing(make_stack, caplog):
    from_conftest = [make_recorder() for _ in range(2)]

    @component
    class Broken:
        @hookimpl
        def step_started(self, step):
            raise RuntimeError("observer")

    stack = make_stack(from_conftest[0], Broken(), from_conftest[1])
    assert pipeline(lambda: one()).run(stack=stack).status == "succeeded"
    assert from_conftest[0].seen == from_conftest[1].seen == ["one"]
    assert "Broken" in caplog.text
    assert "observer" in caplog.text


def make_recorder():
    @component
    class Started:
        seen: list[str] = attrs.field(factory=list)

        @hookimpl
        def step_started(self, step):
            self.seen.append(step.step)

    return Started()


def test_two_runs_on_two_stacks_at_once_in_one_process(make_stack):
    stacks = {name: make_stack(store=name) for name in ("left", "right")}
    meeting = threading.Barrier(2, timeout=stretched(20))
    found: dict[str, Any] = {}

    @step(cache=False)
    def meet(name: str) -> str:
        print("hello from", name)
        meeting.wait()
        current().log_params({"name": name})
        return current().run_id

    def run(name: str) -> None:
        found[name] = pipeline(lambda: meet(name)).run(stack=stacks[name])

    threads = [threading.Thread(target=run, args=(name,)) for name in stacks]
    [thread.start() for thread in threads]
    [thread.join(stretched(30)) for thread in threads]
    for name, stack in stacks.items():
        assert found[name]["meet"].output.load() == found[name].id
        assert found[name]["meet"].params == {"name": name}
        assert found[name]["meet"].log() == f"hello from {name}\n"
        ids = {entry.key.split("/")[1] for entry in stack.artifact_store.list("runs/")}
        assert ids == {found[name].id}


def test_settings_never_reach_the_environment(make_stack):
    before = dict(os.environ)
    seen = []

    @step
    def look() -> None:
        seen.append(dict(os.environ))

    pipeline(lambda: look()).run(stack=make_stack())
    assert seen == [before]
    assert dict(os.environ) == before


class Custom:
    pass


def test_without_pickle_a_value_that_needs_it_fails_its_step(make_stack):
    @step
    def make() -> Any:
        return Custom()

    run = failed(lambda: make(), make_stack(allow_pickle=False))
    assert "allow_pickle = false" in run["make"].error.message
    assert "output 'output'" in run["make"].error.message


def test_without_pickle_a_stored_one_is_not_read(make_stack):
    @step
    def make() -> Any:
        return Custom()

    @step
    def use(x: Any) -> None: ...

    def flights():
        use(make())

    pipeline(lambda: make()).run(stack=make_stack())
    run = failed(flights, make_stack(allow_pickle=False))
    assert (run["make"].status, run["use"].status) == ("cached", "failed")
    assert "refuses pickle" in run["use"].error.message


def test_arguments_reach_the_step_as_they_were_given(stack):
    values = [{"b", "a"}, {1: {2: (3,)}}, {"$set": [math.inf]}, frozenset([1]), (1, [2]), b"x", 1j]
    seen = []

    @step
    def take(value: Any) -> None:
        seen.append(value)

    def flights():
        for value in values:
            take(value)

    pipeline(flights).run(stack=stack)
    assert len(seen) == len(values)
    assert all(any(type(one) is type(value) and one == value for one in seen) for value in values)


def test_an_argument_that_was_changed_in_a_step_is_not_changed_for_the_next(stack):
    @step
    def spoil(value: list[int]) -> None:
        value.append(9)

    @step
    def look(value: list[int]) -> list[int]:
        return value

    def flights():
        shared = numbers(2)
        spoiled = spoil(shared)
        look(shared).after(spoiled)

    assert pipeline(flights).run(stack=stack)["look"].output.load() == [0, 1]


def test_a_step_that_takes_too_long_is_ended(stack):
    @step(timeout=0.1)
    def slow() -> int:
        time.sleep(600)
        return 1

    before = time.monotonic()
    run = failed(lambda: slow(), stack)
    assert time.monotonic() - before < stretched(5)
    assert run["slow"].error.message == "the step took longer than its timeout of 0.1 s"


def test_a_step_that_takes_too_long_in_another_thread_is_ended(stack):
    @step(timeout=0.1)
    def slow() -> int:
        for _ in range(2000):
            time.sleep(0.01)
        return 1

    found = []
    thread = threading.Thread(target=lambda: found.append(failed(lambda: slow(), stack)))
    thread.start()
    thread.join(stretched(15))
    assert "timeout of 0.1 s" in found[0]["slow"].error.message


def test_an_async_step_is_awaited(stack):
    @step
    async def soon(x: int) -> int:
        await asyncio.sleep(0.001)
        return x + len(current().step)

    assert pipeline(lambda: soon(1)).run(stack=stack)["soon"].output.load() == 5


def test_an_async_step_runs_where_a_loop_is_running_already(stack):
    @step
    async def soon(x: int) -> str:
        await asyncio.sleep(0.001)
        return current().step

    async def notebook() -> Any:
        return pipeline(lambda: soon(1)).run(stack=stack)

    assert asyncio.run(notebook())["soon"].output.load() == "soon"


def test_a_map_over_an_empty_list_has_no_calls_and_the_run_goes_on(stack):
    def flights():
        squares = add.map(numbers(0))
        total(add.map(squares))

    run = pipeline(flights).run(stack=stack)
    assert run["total"].output.load() == 0
    assert run["add"].calls == []
    assert run["add"].output.load() == []


def test_a_map_that_is_the_last_step_may_be_empty(stack):
    assert pipeline(lambda: add.map([])).run(stack=stack).status == "succeeded"


def test_a_map_of_a_map_and_over_literals(stack):
    def flights():
        total(add.map(add.map([1, 2, 3], b=10), 100), id="all")
        total(add.map((1, 2)), id="tuple")

    run = pipeline(flights).run(stack=stack)
    assert run["all"].output.load() == 336
    assert run["tuple"].output.load() == 5
    assert [call.output.load() for call in run["add"].calls] == [11, 12, 13]


def test_a_map_over_a_list_of_outputs(stack):
    assert pipeline(lambda: total(add.map([one(), add(1), 7]))).run(stack=stack)["total"].output.load() == 13


def test_a_call_of_a_map_that_fails_fails_the_step(stack):
    def flights():
        total(broken.map([1, 2]))

    run = failed(flights, stack)
    assert run["broken"].status == "failed"
    assert run["total"].status == "skipped"


def test_what_turns_out_to_be_no_list_fails_the_step(stack):
    @step
    def anything() -> Any:
        return {"a": 1}

    run = failed(lambda: add.map(anything()), stack)
    assert "must be a list, not dict" in run["anything"].error.message


def test_hooks_of_steps_and_pipelines_are_called(stack):
    seen: list[Any] = []

    @step(on_success=lambda info: seen.append(("step good", info.step)))
    def good() -> int:
        return 1

    @step(on_failure=lambda info, error: seen.append(("step bad", info.step, error.type)))
    def bad(x: int) -> int:
        raise KeyError("x")

    def hook(name: str) -> Any:
        return lambda run, outcome: seen.append((name, outcome.status))

    @pipeline(on_success=hook("good"), on_failure=hook("bad"))
    def flights(fail: bool):
        value = good()
        if fail:
            bad(value)

    flights.run(stack=stack, fail=False)
    assert seen == [("step good", "good"), ("good", "succeeded")]
    seen.clear()
    with pytest.raises(RunFailed):
        flights.run(stack=stack, fail=True)
    assert seen == [("step bad", "bad", "KeyError"), ("bad", "failed")]


def test_a_hook_that_raises_changes_nothing(stack, caplog):
    @step(on_success=lambda info: 1 / 0)
    def good() -> int:
        return 1

    assert pipeline(lambda: good()).run(stack=stack).status == "succeeded"
    assert "on_success of step 'good' raised and was ignored: ZeroDivisionError" in caplog.text


def test_current_outside_a_step_says_so(stack):
    with pytest.raises(PlugbayError, match="outside a step of a run"):
        current()

    def flights():
        with pytest.raises(PlugbayError, match="outside a step of a run"):
            current()
        one()

    pipeline(flights).run(stack=stack)


def test_metadata_that_no_record_can_hold_fails_no_step(make_stack, caplog):
    @component
    class Odd:
        @hookimpl
        def step_metadata(self, step):
            return {"handle": object(), "n": 1}

    assert pipeline(lambda: one()).run(stack=make_stack(Odd())).status == "succeeded"
    assert "left out of the record" in caplog.text


def test_a_log_has_every_line_in_order(stack):
    import sys

    @step
    def chatty() -> None:
        for line in range(2000):
            print("out", line)
            print("err", line, file=sys.stderr)
        thread = threading.Thread(target=print, args=("from a thread",))
        thread.start()
        thread.join()
        print("no end", end="")

    run = pipeline(lambda: chatty()).run(stack=stack)
    expected = [text for line in range(2000) for text in (f"out {line}", f"err {line}")]
    assert run["chatty"].log().split("\n") == [*expected, "from a thread", "no end"]


def test_an_output_error_is_one_of_plugbay():
    assert issubclass(OutputError, PlugbayError)
    assert issubclass(CorruptArtifactError, PlugbayError)
    assert cache_key("ab").startswith("cache/")
