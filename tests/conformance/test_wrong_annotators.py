"""The contract of annotators finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

ADDED_TWICE = {
    "test_what_was_added_is_there_for_another_component": "another process counted",
    "test_processes_that_add_the_same_tasks_add_each_once": "the processes counted tasks twice or not at all",
}
FOUND_OUT = {
    "TestForgetful": ADDED_TWICE,
    "TestRacing": {"test_processes_that_add_the_same_tasks_add_each_once": "counted tasks twice or not at all"},
    "TestEager": {
        "test_a_second_dataset_of_one_name_is_refused": "DID NOT RAISE",
        "test_of_processes_that_create_at_once_one_does": "Error",
        "test_who_declines_gives_no_label": "who declines is asked again",
    },
    "TestUnreasonable": {
        "test_a_hook_that_is_lacking_answers_nothing": "stats: lacking is True",
        "test_what_is_lacking_is_named_with_a_reason": "telepathy",
    },
}


def test_each_wrong_annotator_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_annotators.py", FOUND_OUT, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == {
        flavor: set(tests) for flavor, tests in FOUND_OUT.items()
    }
    for flavor, tests in FOUND_OUT.items():
        for test, reason in tests.items():
            assert reason in failed[flavor][test], failed[flavor][test]
