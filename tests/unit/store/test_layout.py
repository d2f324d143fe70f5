import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay.stack.keys import check_key, check_prefix
from plugbay.store import layout


def test_run_ids_sort_by_time() -> None:
    ids = []
    for _ in range(5):
        ids.append(layout.new_run_id())
        time.sleep(0.002)
    assert ids == sorted(ids)
    assert all(layout.is_run_id(one) for one in ids)


def test_run_ids_differ() -> None:
    assert len({layout.new_run_id() for _ in range(2000)}) == 2000


@pytest.mark.parametrize("text", ["", "last", "01a205bb-07d9-42ae-b2e1-6ee4ff19bd11", "../01a205bb", "x" * 36])
def test_what_is_no_run_id_is_told(text: str) -> None:
    assert not layout.is_run_id(text)


def test_every_key_is_one_that_stores_take() -> None:
    run, digest = layout.new_run_id(), "ab" * 32
    keys = [
        layout.blob_key(digest),
        layout.cache_key(digest),
        layout.source_key(digest),
        layout.plan_key(run),
        layout.end_key(run),
        layout.later_end_key(run, 2),
        layout.old_heartbeat_key(run),
        layout.old_cancel_key(run),
        layout.driver_key(run, 2),
        layout.heartbeat_key(run, 1),
        layout.cancel_key(run, 1),
        layout.attempt_key(run, layout.call_id("fit_2", 10), 3),
        layout.task_key(run, "fit", 1),
        layout.log_key(run, "fit", 1),
    ]
    assert [check_key(key) for key in keys] == keys
    assert len(set(keys)) == len(keys)
    check_prefix(layout.steps_prefix(run))
    assert layout.attempt_key(run, "fit", 1).startswith(layout.steps_prefix(run))


def test_claims_of_drivers_sort_by_their_number() -> None:
    keys = [layout.driver_key("r", number) for number in (2, 10, 100)]
    assert keys == sorted(keys)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "../a", "a/../b", "a/.b", "a\\b", "a\nb", "\ud800", "x" * 300])
def test_what_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="key"):
        check_key(key)


names = st.from_regex(r"[^\W\d][\w-]{0,5}", fullmatch=True)


@given(names, names, st.integers(0, 99), st.integers(0, 99), st.integers(1, 99), st.integers(1, 99))
def test_two_attempts_never_share_a_key(one: str, other: str, i: int, j: int, a: int, b: int) -> None:
    calls = [(one, None, a), (other, None, b), (one, i, a), (other, j, b)]
    keys = {
        layout.attempt_key("r", step if index is None else layout.call_id(step, index), attempt): (step, index, attempt)
        for step, index, attempt in calls
    }
    assert len(keys) == len(set(calls))
