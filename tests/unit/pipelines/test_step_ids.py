"""Ids of steps: whatever is not refused when the pipeline is planned can be kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plugbay import PlanError, pipeline, step
from plugbay.pipelines.wiring import LONGEST_ID
from plugbay.store.layout import attempt_key, call_id, log_key, task_key

IDS = st.text(max_size=8) | st.from_regex(r"[^\W\d][\w-]{0,8}", fullmatch=True)
LENGTHS = st.integers(1, 40) | st.integers(LONGEST_ID // 8, 2 * LONGEST_ID)


@step
def f(number: int = 1) -> int:
    print("number", number)
    return number


def compiled(id: str) -> Any:
    @pipeline
    def p() -> None:
        f(id=id)

    return p


@settings(max_examples=60)
@given(IDS, LENGTHS)
@example("a", LONGEST_ID)
@example("a", LONGEST_ID + 1)
@example("日", LONGEST_ID // 3)
@example("日", LONGEST_ID // 3 + 1)
@example(".", 1)
@example("..", 1)
@example("a/b", 1)
@example("a.", 1)
@example("a b", 1)
@example("a\0", 1)
@example("\ud800", 1)
def test_an_id_is_refused_when_the_pipeline_is_planned_or_its_run_succeeds(text: str, times: int) -> None:
    id = text * times
    made = compiled(id)
    try:
        made.compile()
    except PlanError as error:
        assert "id" in str(error)  # noqa: PT017  other ids are not refused
        return
    assert len(id.encode()) <= LONGEST_ID
    run = made.run()
    assert run[id].output.load() == 1
    assert run[id].log() == "number 1\n"


def test_every_name_that_is_made_of_the_longest_id_is_one_of_a_file() -> None:
    id = "日" * (LONGEST_ID // 3)
    call = call_id(id, 9_999_999_999)
    for key in (attempt_key("r", call, 10_000), task_key("r", call, 10_000), log_key("r", call, 10_000) + ".growing"):
        assert len(key.rpartition("/")[2].encode()) <= 255
        assert len(key.encode()) <= 1024


def test_a_long_name_of_a_function_is_refused_like_an_id() -> None:
    namespace: dict[str, Any] = {}
    exec(f"def {'f' * 300}(): ...", namespace)
    made = step(namespace["f" * 300])

    @pipeline
    def p() -> None:
        made()

    @pipeline
    def named() -> None:
        made(id="short")

    with pytest.raises(PlanError, match=r"has 300 bytes, and at most 200 fit .*: give it a shorter one by id=$"):
        p.compile()
    assert [each.id for each in named.compile().plan.steps] == ["short"]
