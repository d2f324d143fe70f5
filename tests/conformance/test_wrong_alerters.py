"""The contract of alerters finds what is wrong with one, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_runs import failures_in

FOUND_OUT = {
    "TestApproving": {"test_silence_is_not_an_approval", "test_a_hostile_question_does_not_approve_itself"},
    "TestTerse": {"test_people_can_read_all_of_a_message"},
    "TestPicky": {"test_a_long_message_is_cut_and_not_refused"},
}


def test_each_wrong_alerter_fails_for_its_own_reason(tmp_path: Path) -> None:
    failed = failures_in("wrong_alerters.py", FOUND_OUT, tmp_path)
    assert {flavor: set(tests) for flavor, tests in failed.items()} == FOUND_OUT
