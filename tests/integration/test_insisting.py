"""A run that was asked to stop stops, even when a step does not hear it the first time."""

import signal
import subprocess
import sys
from pathlib import Path

from plugbay.testing.waiting import stretched, wait_until

DEAF = """
import pathlib, time
from plugbay import pipeline, step

@step
def deaf() -> int:
    try:
        pathlib.Path("begun").touch()
        time.sleep(600)
    except BaseException:
        pathlib.Path("swallowed").touch()
    time.sleep(600)
    return 1

@step(timeout=1)
def slow() -> int:
    try:
        time.sleep(600)
    except BaseException:
        pathlib.Path("swallowed").touch()
    time.sleep(600)
    return 1

@pipeline
def cancelled():
    deaf()

@pipeline
def overdue():
    slow()
"""


def started(tmp_path: Path, pipeline: str) -> "subprocess.Popen[str]":
    (tmp_path / "deaf.py").write_text(DEAF)
    command = [sys.executable, "-m", "plugbay", "run", f"deaf.py:{pipeline}"]
    return subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_step_that_swallows_the_cancellation_is_cancelled_again(tmp_path: Path) -> None:
    process = started(tmp_path, "cancelled")
    wait_until((tmp_path / "begun").exists)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=stretched(30))
    assert process.returncode == 130
    assert (tmp_path / "swallowed").exists()


def test_a_step_that_swallows_its_timeout_is_ended_all_the_same(tmp_path: Path) -> None:
    process = started(tmp_path, "overdue")
    _, errors = process.communicate(timeout=stretched(30))
    assert process.returncode == 1
    assert "longer than its timeout of 1 s" in errors
    assert (tmp_path / "swallowed").exists()
