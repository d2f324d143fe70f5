"""The contract of artifact stores finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

REASONS = {
    "TestTorn": {
        "test_a_put_that_fails_changes_nothing": "a put that failed left",
        "test_a_reader_gets_one_object_when_it_is_replaced_meanwhile": "a reader got parts of two objects",
        "test_of_many_processes_one_writes_what_is_absent": "processes wrote",
        "test_an_object_is_whole_at_any_time": "a reader got",
        "test_a_durable_object_is_flushed_before_it_has_its_name": "a durable object was not flushed",
    },
    "TestRacing": {"test_of_many_processes_one_writes_what_is_absent": "processes wrote"},
    "TestShuffled": {
        "test_a_listing_is_in_the_order_of_the_bytes_of_the_keys": "not in the order",
        "test_a_listing_is_what_the_keys_say": "",
    },
    "TestTalkative": {
        "test_no_secret_is_shown": "a secret is shown",
        "test_if_absent_leaves_an_object_alone_and_marks_it_as_wanted": "keeps its old time",
    },
}


def test_each_wrong_store_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_artifact_stores.py", REASONS, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == {
        flavor: set(tests) for flavor, tests in REASONS.items()
    }
    for flavor, tests in REASONS.items():
        for test, reason in tests.items():
            assert reason in failed[flavor][test]
