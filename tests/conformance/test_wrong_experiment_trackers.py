"""The contract of experiment trackers finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

FOUND_OUT = {
    "TestRounding": {"test_numbers_are_kept_exactly"},
    "TestCareless": {"test_attempts_are_kept_apart"},
    "TestBelated": {"test_artifacts_outlive_their_source"},
}


def test_each_wrong_tracker_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_experiment_trackers.py", FOUND_OUT, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == FOUND_OUT
