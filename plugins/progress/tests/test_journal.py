"""What the events of a run add up to."""

from __future__ import annotations

import pytest

from plugbay_hookspecs.types import ErrorInfo, RunInfo, RunOutcome, StepInfo
from plugbay_progress.journal import RunJournal
from plugbay_progress.plain import sentence

RUN = RunInfo(id="r", pipeline="flights", stack="default", steps=4)
OUTCOME = RunOutcome(status="succeeded", seconds=1.0)
BOOM = ErrorInfo(type="ValueError", message="boom")


def step(name: str, attempt: int = 1) -> StepInfo:
    return StepInfo(run_id="r", pipeline="flights", step=name, name=name.partition(".")[0], attempt=attempt)


@pytest.fixture
def journal() -> RunJournal:
    return RunJournal(RUN, lambda: 0.0, longest=3)


def test_a_mapped_step_gets_its_line_when_the_run_turns_to_another_step(journal: RunJournal) -> None:
    for call in ("score.0", "score.1"):
        assert journal.queued(step(call)) == []
    for call in ("score.0", "score.1"):
        assert journal.started(step(call)) == []
        assert journal.succeeded(step(call), 0.1) == []
    assert [sentence(line) for line in journal.queued(step("report"))] == ["step score succeeded in 0.00s, 2 calls"]
    assert journal.queued(step("plot")) == []


def test_events_of_the_mapped_step_itself_end_it_and_count_once(journal: RunJournal) -> None:
    journal.started(step("score"))
    journal.started(step("score.0"))
    journal.succeeded(step("score.0"), 0.1)
    assert [sentence(line) for line in journal.succeeded(step("score"), 0.2)] == [
        "step score succeeded in 0.00s, 1 call"
    ]
    assert journal.snapshot(most=6).done == 1
    assert journal.snapshot(most=6).activities == ()


def test_a_mapped_step_without_calls_is_like_any_other(journal: RunJournal) -> None:
    assert [line.kind for line in journal.succeeded(step("score"), 0.0)] == ["succeeded"]


def test_a_mapped_step_counts_as_done_when_no_call_is_open(journal: RunJournal) -> None:
    journal.queued(step("score.0"))
    journal.queued(step("score.1"))
    journal.succeeded(step("score.0"), 0.1)
    assert journal.snapshot(most=6).done == 0
    journal.failed(step("score.1"), BOOM, 0.1)
    snapshot = journal.snapshot(most=6)
    assert (snapshot.done, snapshot.failed) == (1, 1)


def test_the_end_counts_mapped_steps_once_and_names_what_did_not_end(journal: RunJournal) -> None:
    journal.started(step("load"))
    journal.succeeded(step("load"), 0.1)
    journal.succeeded(step("score.0"), 0.1)
    journal.succeeded(step("score.1"), 0.1)
    journal.started(step("train"))
    end = journal.finish(OUTCOME)[-1]
    assert sentence(end) == "run r succeeded in 1.00s: 2 succeeded, 1 unfinished"


def test_a_cancelled_attempt_ends_its_step_and_its_map(journal: RunJournal) -> None:
    journal.started(step("train"))
    assert [sentence(line) for line in journal.cancelled(step("train"), 0.4)] == ["step train cancelled in 0.40s"]
    journal.queued(step("score.0"))
    journal.cancelled(step("score.0"), 0.1)
    lines = [sentence(line) for line in journal.finish(OUTCOME)]
    assert lines == ["step score cancelled in 0.00s, 1 call", "run r succeeded in 1.00s: 2 cancelled"]


def test_lines_of_one_kind_stop_after_a_while_and_say_so(journal: RunJournal) -> None:
    shown = [sentence(line) for number in range(9) for line in journal.skipped(step(f"s{number}"), "needs load")]
    assert shown == [
        *[f"step s{number} skipped: needs load" for number in range(3)],
        "from here on, steps skipped are only counted",
    ]
    assert journal.failed(step("other"), BOOM, 0.1)


def test_a_dot_in_an_id_does_not_make_a_call(journal: RunJournal) -> None:
    assert [line.step for line in journal.started(step("v1.model"))] == ["v1.model"]
