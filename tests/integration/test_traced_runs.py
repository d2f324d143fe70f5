"""Runs with ``PLUGBAY_TRACE``: every process that works for one is in the file, whatever becomes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.waiting import stretched

PROJECT = Path(__file__).parent / "projects"

CONFIG = """
observers = []

[stacks.default]
orchestrator = {{ flavor = "local", workers = {workers} }}
artifact_store = {{ flavor = "local", path = "store" }}
secrets_manager = "environment"

[stacks.default.step_operator.apart]
flavor = "process"
"""


class Traced:
    """A project whose runs are traced."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "trace.json"
        self.environment = {**os.environ, "PLUGBAY_TRACE": "trace.json", "SECRET_VAULT__KEY": "hunter2-in-the-vault"}

    def run(self, pipeline: str, workers: int = 1) -> subprocess.CompletedProcess[str]:
        (self.directory / "plugbay.toml").write_text(CONFIG.format(workers=workers))
        (self.directory / "traced.py").write_text((PROJECT / "traced.py").read_text())
        command = [sys.executable, "-m", "plugbay", "run", f"traced.py:{pipeline}", "--json"]
        return subprocess.run(
            command, cwd=self.directory, env=self.environment, capture_output=True, text=True, timeout=stretched(100)
        )

    def events(self) -> list[dict[str, Any]]:
        """As the guide says."""
        return json.loads(self.file.read_text() + "]")

    def begun(self, hook: str) -> list[dict[str, Any]]:
        return [event for event in self.events() if event["ph"] == "B" and event["name"] == hook]

    def unended(self) -> list[str]:
        """The calls that were going on when the process that made them ended, the outermost first."""
        going_on: dict[tuple[int, int], list[str]] = {}
        for event in self.events():
            stack = going_on.setdefault((event["pid"], event["tid"]), [])
            if event["ph"] == "B":
                stack.append(event["name"])
            elif event["ph"] == "E":
                assert stack.pop() == event["name"]
        return [name for stack in going_on.values() for name in stack]


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    directory = tmp_path / "traced"
    directory.mkdir()
    return Traced(directory)


def test_a_run_in_one_process_nests_its_calls_in_the_orchestrators(traced: Traced) -> None:
    done = traced.run("chain")
    assert done.returncode == 0, done.stderr
    (run,) = traced.begun("orchestrator_run")
    assert run["args"]["component"] == "orchestrator"
    assert run["args"]["distribution"].startswith("plugbay-local ")
    order = [event["name"] for event in traced.events() if event["ph"] in "BE"]
    first, last = (index for index, name in enumerate(order) if name == "orchestrator_run")
    assert order[first:last].count("step_call") == 2 * 3
    assert traced.unended() == []


def test_worker_processes_write_to_the_same_file(traced: Traced) -> None:
    done = traced.run("fan", workers=2)
    assert done.returncode == 0, done.stderr
    (driver,) = {event["pid"] for event in traced.begun("orchestrator_run")}
    workers = Counter(event["pid"] for event in traced.begun("step_call"))
    assert driver not in workers
    assert sum(workers.values()) == 5
    named = {event["pid"] for event in traced.events() if event["name"] == "process_name"}
    assert {driver, *workers} <= named
    assert traced.unended() == []


def test_a_worker_started_by_a_command_elsewhere_writes_to_the_same_file(traced: Traced) -> None:
    config = Path("plugbay.toml")
    code = """
from traced import load, pipeline

@pipeline
def apart():
    load.with_options(operator="apart")()

apart.run()
"""
    (traced.directory / config).write_text(CONFIG.format(workers=1))
    (traced.directory / "traced.py").write_text((PROJECT / "traced.py").read_text())
    (traced.directory / "script.py").write_text(code)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=traced.directory,
        env=traced.environment,
        capture_output=True,
        text=True,
        timeout=stretched(100),
    )
    assert done.returncode == 0, done.stderr
    (submitted,) = traced.begun("step_operator_submit")
    (call,) = traced.begun("step_call")
    assert submitted["pid"] != call["pid"]
    assert "worker" in [e["args"]["name"] for e in traced.events() if e["name"] == "process_name"]
    assert traced.unended() == []


@pytest.mark.parametrize("workers", [1, 2])
def test_a_secret_in_a_steps_error_is_not_in_the_trace(traced: Traced, workers: int) -> None:
    done = traced.run("betrayal", workers=workers)
    assert done.returncode == 1, done.stderr
    assert "hunter2" not in traced.file.read_text()
    assert '"message":"1: the key is ***"' in traced.file.read_text()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_that_is_killed_leaves_a_file_that_tells_what_it_did(traced: Traced, workers: int) -> None:
    done = traced.run("death", workers=workers)
    assert done.returncode == (-signal.SIGKILL if workers == 1 else 1), done.stderr
    if workers == 1:
        assert traced.unended() == ["orchestrator_run", "step_call"]
    else:
        assert traced.unended() == ["step_call"]


def test_a_trace_that_cannot_be_written_costs_the_run_nothing(traced: Traced) -> None:
    traced.environment["PLUGBAY_TRACE"] = "/proc/trace.json"
    done = traced.run("chain", workers=2)
    assert done.returncode == 0
    assert json.loads(done.stdout)["status"] == "succeeded"
    assert "PLUGBAY_TRACE: /proc/trace.json cannot be written" in done.stderr
