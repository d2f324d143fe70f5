"""The contracts find out flavors that are wrong on purpose, each by the promise that it breaks."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
FOUND_OUT = {
    "wrong_orchestrators.py": {
        ("TestTwice", "test_each_step_is_executed_once"): "executions by step: {0: 2",
        ("TestBoastful", "test_steps_that_can_run_at_the_same_time_do"): "two steps did not meet",
        ("TestHasty", "test_a_diamond"): "the record is {'status': 'cancelled'",
        ("TestSwallowing", "test_a_retry_has_a_record_and_a_log_of_its_own"): "the engine tries once",
        ("TestImpatient", "test_a_timeout_does_not_count_the_wait_for_a_slot"): "submit steps as queued",
        ("TestUndeclared", "test_a_missing_capability_is_declared_with_its_reason"): "lacking['parallel'] must say why",
    },
    "wrong_step_operators.py": {
        ("TestShelled", "test_arguments_arrive_as_they_are"): "the command was given",
        ("TestForgetful", "test_every_process_knows_a_job"): "KeyError",
        ("TestOptimistic", "test_a_job_whose_command_fails_has_failed"): "exit code 7 succeeded",
    },
    "wrong_model_deployers.py": {
        ("TestAbrupt", "test_no_request_fails_while_the_model_is_replaced"): "requests failed",
        ("TestHasty", "test_a_model_that_does_not_start_leaves_what_was_served"): "DID NOT RAISE",
        ("TestUnlabelled", "test_finding"): "'labels': ['a', 'b']",
    },
}


@pytest.mark.parametrize("file", FOUND_OUT)
def test_a_wrong_flavor_is_found_out(file: str, tmp_path: Path) -> None:
    expected = FOUND_OUT[file]
    tests = [f"{HERE / file}::{flavor}::{test}" for flavor, test in expected]
    options = ["-q", "-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", f"--basetemp={tmp_path / 'runs'}"]
    command = [sys.executable, "-m", "pytest", "-c", str(HERE.parents[1] / "pyproject.toml"), *options, *tests]
    told = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False).stdout
    parts = re.split(r"^_+ (Test\w+)\.(test_\w+)\S* _+$", told, flags=re.MULTILINE)
    failures = {(parts[i], parts[i + 1]): parts[i + 2] for i in range(1, len(parts), 3)}
    assert failures.keys() == expected.keys(), told
    for test, reason in expected.items():
        assert reason in failures[test], failures[test]
