"""The example of a plugin, built, installed and chosen as any other distribution."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.waiting import stretched

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CONFIG = """\
stack = "threads"

[stacks.threads]
orchestrator = "threads"
artifact_store = "local"
observers = ["journal"]
"""
PIPELINE = """\
from plugbay import pipeline, step

@step
def numbers(count: int) -> list[int]:
    return list(range(count))

@step
def half(number: int) -> float:
    return 6 / (number - 3)

@step
def total(halves: list[float]) -> float:
    return sum(halves)

@pipeline
def halves(count: int = 3):
    total(half.map(numbers(count)))
"""
FLIGHTS = {"load_flights", "load_weather", "prepare", "split", "propose", "fit", "choose", "evaluate", "report"}
THREADS = {"distribution": "plugbay-threads", "version": "0.1.0", "status": "ok"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the distribution in it and nothing else."""
    target = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*install, "--target", str(target), str(EXAMPLES / "plugin")], check=True, timeout=stretched(110))
    return target


class User:
    """Somebody who has the plugin installed and named it in their own configuration."""

    def __init__(self, site: Path, directory: Path) -> None:
        home = directory / "home"
        home.mkdir()
        (home / "config.toml").write_text(CONFIG, encoding="utf-8")
        self.directory = directory
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("PLUGBAY_")}
        self.environment |= {"PLUGBAY_HOME": str(home), "PYTHONPATH": str(site), "MPLBACKEND": "Agg"}

    def plugbay(self, *arguments: str, exit_code: int = 0) -> str:
        finished = subprocess.run(
            [sys.executable, "-m", "plugbay", *arguments],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=stretched(110),
        )
        assert finished.returncode == exit_code, finished.stdout + finished.stderr
        return finished.stdout

    def journal(self) -> list[dict[str, Any]]:
        lines = (self.directory / "journal.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def user(site: Path, tmp_path: Path) -> User:
    (tmp_path / "pipeline.py").write_text(PIPELINE, encoding="utf-8")
    return User(site, tmp_path)


def test_its_orchestrator_runs_a_pipeline_and_its_observer_follows(user: User) -> None:
    run = json.loads(user.plugbay("run", "pipeline.py:halves", "--json"))
    assert run["status"] == "succeeded"
    flavors = {(info["type"], info["flavor"]): info["distribution"] for info in run["components"]}
    assert flavors["orchestrator", "threads"] == flavors["observer", "journal"] == "plugbay-threads"

    first, *between, last = user.journal()
    assert first == {"event": "run_started", "run": run["id"], "pipeline": "halves"}
    assert last == {"event": "run_finished", "run": run["id"], "status": "succeeded"}
    assert {event["event"] for event in between} == {"step_succeeded"}
    steps = [event["step"] for event in between]
    assert sorted(steps) == ["half.0", "half.1", "half.2", "numbers", "total"]
    assert (steps[0], steps[-1]) == ("numbers", "total")


def test_its_observer_tells_cached_steps_from_failed_ones(user: User) -> None:
    user.plugbay("run", "pipeline.py:halves")
    user.plugbay("run", "pipeline.py:halves", "-p", "count=4", exit_code=1)
    events = user.journal()
    second = events[[event["event"] for event in events].index("run_finished") + 1 :]
    found = {event["step"]: event["event"] for event in second if "step" in event}
    cached = dict.fromkeys(("half.0", "half.1", "half.2"), "step_cached")
    assert found == {"numbers": "step_succeeded", "half.3": "step_failed", **cached}
    assert next(event for event in second if event["event"] == "step_failed")["error"].startswith("ZeroDivisionError")
    assert second[-1]["status"] == "failed"


def test_it_runs_the_flights(user: User) -> None:
    for file in (EXAMPLES / "flights").glob("*.py"):  # without the project's own configuration
        shutil.copy(file, user.directory)
    user.plugbay("run", "pipeline.py", "-p", "rows=3000")
    events = user.journal()
    assert Counter(event["event"] for event in events)["step_failed"] == 0
    steps = {event["step"].partition(".")[0] for event in events if event["event"] == "step_succeeded"}
    assert steps == FLIGHTS
    assert events[-1]["status"] == "succeeded"


def test_it_is_listed_with_its_distribution_and_version(user: User) -> None:
    plugins = {plugin["name"]: plugin for plugin in json.loads(user.plugbay("plugins", "--json"))}
    assert THREADS.items() <= plugins["threads"].items()
    assert THREADS.items() <= plugins["journal"].items()

    flavors = {(flavor["type"], flavor["flavor"]): flavor for flavor in json.loads(user.plugbay("flavors", "--json"))}
    assert THREADS.items() <= flavors["orchestrator", "threads"].items()
    assert THREADS.items() <= flavors["observer", "journal"].items()
    assert flavors["orchestrator", "threads"]["summary"].startswith("Run steps in threads")
