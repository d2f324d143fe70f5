"""The contract of secrets managers finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

FOUND_OUT = {
    "TestTalkative": {"test_no_text_shows_anywhere"},
    "TestGenerous": {
        "test_a_similar_name_is_another",
        "test_a_hostile_name_is_only_unknown",
        "test_deleting_twice_is_no_error",
        "test_the_key_of_a_name_without_a_dot_is_value",
    },
    "TestRacing": {"test_of_many_that_create_a_secret_one_does"},
}


def test_each_wrong_manager_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_secrets_managers.py", FOUND_OUT, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == FOUND_OUT
