"""What a step reads of its own place is part of what its result depends on."""

from __future__ import annotations

import pytest

from plugbay import current, pipeline, step
from plugbay_local.experiment_tracker import StoreExperimentTracker


def wired(*ids: str, body=None, **options):
    @step(**options)
    def told(given: int = 0) -> str:
        return body()

    def flow():
        for name in ids:
            told(id=name)

    return pipeline(flow)


def read_step() -> str:
    return current().step


def read_run() -> str:
    return current().run_id


def read_attempt() -> str:
    return str(current().attempt)


def by_another_name() -> str:
    return str(getattr(current(), "st" + "ep"))


def read_nothing() -> str:
    current().log_metrics({"loss": 1.0})
    current().alert("done")
    return "nothing"


def answers(run) -> list[tuple[str, str]]:
    return [(found.output.load(), found.status) for found in run.steps]


@pytest.mark.parametrize("body", [read_step, by_another_name])
def test_two_steps_of_equal_code_that_read_their_id_are_two(stack, body):
    assert answers(wired("german", "french", body=body).run(stack=stack)) == [
        ("german", "succeeded"),
        ("french", "succeeded"),
    ]
    assert answers(wired("french", "polish", "german", body=body).run(stack=stack)) == [
        ("french", "cached"),
        ("polish", "succeeded"),
        ("german", "cached"),
    ]


def test_each_call_of_a_mapped_step_that_reads_its_id_is_one_of_its_own(stack):
    @step
    def told(given: int) -> str:
        return current().step

    for status in ("succeeded", "cached"):
        run = pipeline(lambda: told.map([1, 1, 1])).run(stack=stack)
        assert [run[f"told.{index}"].output.load() for index in range(3)] == ["told.0", "told.1", "told.2"]
        assert {run[f"told.{index}"].status for index in range(3)} == {status}


@pytest.mark.parametrize("body", [read_run, read_attempt])
def test_what_is_another_in_each_run_answers_no_later_call(stack, body):
    runs = [wired("one", "two", body=body).run(stack=stack) for _ in range(2)]
    assert [found.status for run in runs for found in run.steps] == ["succeeded"] * 4
    assert runs[1]["two"].output.load() == (runs[1].id if body is read_run else "1")


def test_where_a_tracked_run_is_shown_answers_no_later_call(make_stack, tmp_path):
    stack = make_stack(experiment_tracker=StoreExperimentTracker(path=tmp_path / "tracked"))
    flow = wired("one", "two", body=lambda: str(current().experiment_tracker.url()))
    assert [found.status for _ in range(2) for found in flow.run(stack=stack).steps] == ["succeeded"] * 4


def test_a_step_that_only_tells_something_is_cached(stack):
    flow = wired("one", "two", body=read_nothing)
    assert answers(flow.run(stack=stack)) == [("nothing", "succeeded"), ("nothing", "cached")]
    assert {status for _, status in answers(flow.run(stack=stack))} == {"cached"}


def test_in_a_worker_too(make_stack, project):
    import places

    for status in ("succeeded", "cached"):
        run = pipeline(places.two).run(stack=make_stack(workers=2))
        assert answers(run) == [("here", status), ("there", status)]
