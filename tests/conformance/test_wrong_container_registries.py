"""The contract of container registries finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

REASONS = {
    "TestTrusting": {"test_an_image_that_cannot_be_read_is_refused": "DID NOT RAISE"},
    "TestForgetful": {
        "test_a_tag_means_what_was_pushed_last": "an image is lost with its tag",
        "test_a_tag_means_a_whole_image_at_any_time": "a tag meant no image for a moment",
    },
    "TestPrefixed": {
        "test_tags_are_listed_by_name": "",
        "test_deleting_a_tag_keeps_the_others": "another tag was deleted",
    },
}


def test_each_wrong_registry_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_container_registries.py", REASONS, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == {
        flavor: set(tests) for flavor, tests in REASONS.items()
    }
    for flavor, tests in REASONS.items():
        for test, reason in tests.items():
            assert reason in failed[flavor][test]
