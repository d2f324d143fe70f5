"""The contract of image builders finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

REASONS = {
    "TestMisnaming": {"test_the_digest_is_that_of_the_image_in_the_archive": "the digest is of no blob"},
    "TestLittering": {"test_the_context_is_left_as_it_was": "the context was changed"},
    "TestSilent": {
        "test_a_failing_command_is_an_os_error_with_what_it_printed": "does not tell what the command printed"
    },
    "TestHasty": {"test_a_failing_command_is_an_os_error_with_what_it_printed": "a build that failed left an image"},
    "TestLeaky": {"test_a_secret_is_there_while_the_image_is_built_and_not_in_it": "the secret is part of the image"},
    "TestTalkative": {"test_a_secret_is_not_told": "the secret is part of an error"},
    "TestForgetful": {"test_an_image_is_found_once_it_is_built": ""},
    "TestUnlabelled": {"test_labels_are_kept_with_the_image": "the labels are"},
    "TestAscii": {"test_file_names_of_all_kinds": ""},
    "TestTrusting": {
        "test_a_wrong_value_is_refused": "",
        "test_a_hostile_name_is_refused": "DID NOT RAISE",
        "test_a_file_that_leads_out_of_the_context_is_refused": "DID NOT RAISE",
    },
    "TestSharing": {"test_images_are_built_at_once": ""},
    "TestUnsettled": {"test_the_same_specification_makes_the_same_image": "the image is another one"},
    "TestStale": {"test_without_the_cache_commands_run_again": "it was not run again"},
    "TestBare": {"test_an_image_is_what_the_specification_says": "the variables"},
    "TestUnequipped": {"test_requirements_are_installed": "plugbay_contract_wheel"},
    "TestPretending": {"test_what_it_lacks_is_refused": "it lacks commands"},
}


def test_each_wrong_builder_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_image_builders.py", REASONS, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == {
        flavor: set(tests) for flavor, tests in REASONS.items()
    }
    for flavor, tests in REASONS.items():
        for test, reason in tests.items():
            assert reason in failed[flavor][test]
