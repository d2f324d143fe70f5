"""The contract of model registries finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

REASONS = {
    "TestReplacing": {
        "test_an_update_changes_what_it_names": "an update lost what it did not name",
        "test_updates_at_once_are_all_made": "an update undid another",
    },
    "TestReferring": {
        "test_a_version_keeps_its_file": "is damaged",
        "test_versions_are_in_the_order_of_their_making": "not in the order in which they were created",
    },
    "TestUnsteady": {"test_an_alias_is_never_without_a_version": "an alias had no version for a moment"},
    "TestObliging": {
        "test_a_name_is_registered_once": "DID NOT RAISE",
        "test_of_many_processes_one_registers_a_name": "registered by several",
    },
}


def test_each_wrong_registry_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_model_registries.py", REASONS, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == {
        flavor: set(tests) for flavor, tests in REASONS.items()
    }
    for flavor, tests in REASONS.items():
        for test, reason in tests.items():
            assert reason in failed[flavor][test]
