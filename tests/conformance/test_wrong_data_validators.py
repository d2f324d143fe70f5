"""The contract of data validators finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

FOUND_OUT = {
    "TestLenient": {"test_a_check_that_is_unknown_is_refused": "DID NOT RAISE"},
    "TestHurried": {
        "test_every_check_is_made_whatever_came_of_the_others": "not three checks",
        "test_columns_have_any_name_and_pages_are_harmless": "",
    },
    "TestUnescaped": {"test_columns_have_any_name_and_pages_are_harmless": "the page runs what is in the table"},
}


def test_each_wrong_validator_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_data_validators.py", FOUND_OUT, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == {
        flavor: set(tests) for flavor, tests in FOUND_OUT.items()
    }
    for flavor, tests in FOUND_OUT.items():
        for test, reason in tests.items():
            assert reason in failed[flavor][test], failed[flavor][test]
