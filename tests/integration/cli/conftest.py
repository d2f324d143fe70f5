"""A project in a directory of its own, and the command line run in it as a user would."""

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from plugbay.testing.waiting import stretched

PIPELINE = """
from typing import Annotated

from plugbay import current, pipeline, step


@step
def load(path: str) -> list[int]:
    print("loading", path)
    return [1, 2, 3]


@step
def double(value: int) -> int:
    print("doubling", value)
    return 2 * value


@step
def train(values: list[int], rate: float) -> tuple[Annotated[dict[str, float], "model"], Annotated[float, "accuracy"]]:
    print("training at", rate)
    current().log_metrics({"loss": 0.25})
    if rate > 1:
        raise ValueError(f"a rate of {rate} is too high")
    return {"weight": rate}, 0.875


@pipeline
def flights(path: str = "flights.csv", rate: float = 0.1) -> None:
    train(double.map(load(path)), rate=rate)
"""

CONFIG = """
observers = []

[stacks.default]
orchestrator = { flavor = "local", workers = 1 }
artifact_store = "local"
"""


@dataclass
class Finished:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def assert_error(self, *parts, code=2):
        """It ended with a message that has these parts, and shows nothing of Plugbay's own frames."""
        assert self.code == code, self
        assert "error: " in self.err, self
        for part in parts:
            assert part in self.err, self
        assert "Traceback" not in self.err, self
        assert self.out == "", self


@dataclass
class Project:
    """A directory with a pipeline and a configuration, and a home of its own."""

    directory: Path
    home: Path
    environment: dict = field(default_factory=dict)

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def command(self, *words):
        return [sys.executable, "-m", "plugbay", *map(str, words)]

    def environ(self):
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLUGBAY_", "PYTHON"))}
        return {**kept, "PLUGBAY_HOME": str(self.home), "NO_COLOR": "", "COLUMNS": "80", **self.environment}

    def plugbay(self, *words, cwd=None, **environment):
        done = subprocess.run(
            self.command(*words),
            cwd=cwd or self.directory,
            env={**self.environ(), **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=stretched(60),
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, *words):
        return subprocess.Popen(
            self.command(*words),
            cwd=self.directory,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words, code=0):
        """Run the pipeline and return the run as `run --json` prints it."""
        done = self.plugbay("run", "pipeline.py:flights", "--json", *words)
        assert done.code == code, done
        return done.json


@pytest.fixture
def bare(tmp_path):
    """A directory without a configuration."""
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project", tmp_path / "home")


@pytest.fixture
def project(bare):
    bare.write("pipeline.py", PIPELINE)
    bare.write("plugbay.toml", CONFIG)
    return bare


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    """A project with three runs, which tests only read: one that succeeded, one from the cache, one that failed."""
    directory = tmp_path_factory.mktemp("history")
    (directory / "project").mkdir()
    found = Project(directory / "project", directory / "home")
    found.write("pipeline.py", PIPELINE)
    found.write("plugbay.toml", CONFIG)
    found.succeeded = found.run()
    found.cached = found.run()
    found.failed = found.run("-p", "rate=2", code=1)
    return found
