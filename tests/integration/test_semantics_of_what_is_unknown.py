"""A step that reaches what cannot be told apart by content: computed each time, with a warning, unless the user answers for it."""

import functools
import io
import logging
import sqlite3

import pytest

from plugbay import pipeline, step
from plugbay.errors import PlanError

CLIENT = sqlite3.connect(":memory:", check_same_thread=False)
REMEMBERED = {}
LATE = None
RATES = [1]


class Lazy:
    @functools.cached_property
    def value(self) -> int:
        return 3


LAZY = Lazy()
SHARED = [1]
TABLE = [SHARED, SHARED]


@step
def asks() -> str:
    return str(CLIENT)[:5]


@step
def ignores(seed: int, note: str = "") -> int:
    return seed if CLIENT else 0


@step
def remembers(number: int) -> int:
    global LATE
    if LATE is None:
        LATE = io.StringIO("made at first use")
    if number not in REMEMBERED:
        REMEMBERED[number] = number * 2
    return REMEMBERED[number]


@step
def sums() -> int:
    return sum(RATES)


@step
def works_out() -> int:
    return LAZY.value + len(TABLE)


@pipeline
def asking():
    asks()


@pipeline
def answered_for():
    asks.with_options(version="1")()


@pipeline
def ignoring(note: str = ""):
    ignores.with_options(ignore=["CLIENT", "note"])(1, note)


@pipeline
def misspelt():
    ignores.with_options(ignore=["CLEINT"])(1)


@pipeline
def remembering():
    remembers(3)


@pipeline
def working_out():
    works_out()


@pipeline
def summing():
    sums()


def test_it_is_computed_each_time_and_a_warning_names_the_object(stack, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "plugbay"):
        assert [asking.run(stack=stack)["asks"].status for _ in range(2)] == ["succeeded", "succeeded"]
    warnings = [record.getMessage() for record in caplog.records if "cannot be told apart" in record.getMessage()]
    assert len(warnings) == 2  # one a run
    assert "step 'asks'" in warnings[0] and ".CLIENT (sqlite3.Connection)" in warnings[0]
    assert all(way in warnings[0] for way in ("version=", "ignore=", "depends=", "fingerprint_of"))


def test_a_version_answers_for_it_without_a_warning(stack, caplog: pytest.LogCaptureFixture) -> None:
    found = [answered_for.run(stack=stack)["asks"].status for _ in range(2)]
    assert found == ["succeeded", "cached"]
    assert not [record for record in caplog.records if "cannot be told apart" in record.getMessage()]


def test_what_is_ignored_does_not_count(stack) -> None:
    found = [ignoring.run(stack=stack, note=note)["ignores"].status for note in ("one", "two")]
    assert found == ["succeeded", "cached"]


def test_a_name_to_ignore_that_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(PlanError, match=r"'CLEINT'.*CLIENT"):
        misspelt.compile()


def test_what_a_step_remembers_does_not_count(stack) -> None:
    assert [remembering.run(stack=stack)["remembers"].status for _ in range(3)] == ["succeeded", "cached", "cached"]


def test_what_a_constant_works_out_for_a_step_does_not_count(stack) -> None:
    assert [working_out.run(stack=stack)["works_out"].status for _ in range(3)] == ["succeeded", "cached", "cached"]


def test_lists_of_a_constant_that_are_one_object_no_longer_count(stack) -> None:
    working_out.run(stack=stack)
    TABLE[1] = [1]
    assert working_out.run(stack=stack)["works_out"].status == "succeeded"
    TABLE[1] = SHARED
    assert working_out.run(stack=stack)["works_out"].status == "cached"


def test_what_the_user_changes_between_runs_counts(stack) -> None:
    assert summing.run(stack=stack)["sums"].output.load() == 1
    RATES.append(2)
    assert summing.run(stack=stack)["sums"].output.load() == 3
    REMEMBERED[3] = 7
    assert remembering.run(stack=stack)["remembers"].output.load() == 7
