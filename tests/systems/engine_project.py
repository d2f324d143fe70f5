"""A project in a directory of its own, which is run on an engine's cluster as a user runs it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from plugbay.testing.waiting import stretched


class Project:
    """A project on a cluster, and a directory in which its steps leave notes."""

    def __init__(self, directory: Path, source: Path, **orchestrator: object) -> None:
        """Copy the project ``source``, whose orchestrator has the settings ``orchestrator``, ``flavor`` among them."""
        self.directory = directory / "project"
        self.notes = directory / "notes"
        self.home = directory / "home"
        self.store = directory / "store"
        self.notes.mkdir()
        shutil.copytree(source, self.directory, ignore=shutil.ignore_patterns("__pycache__"))
        given = ", ".join(f"{name} = {_toml(value)}" for name, value in orchestrator.items())
        (self.directory / "plugbay.toml").write_text(f"""
stack = "cluster"
observers = []
[stacks.cluster]
artifact_store = {{ flavor = "local", path = "{self.store}" }}
orchestrator = {{ {given} }}
""")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start ``plugbay`` with what it prints in a file."""
        environment = {**os.environ, "PLUGBAY_HOME": str(self.home)}
        command = [sys.executable, "-m", "plugbay", *words]
        with (self.home.parent / "printed").open("a") as printed:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env=environment,
                stdout=printed,
                stderr=printed,
                text=True,
                start_new_session=True,
            )

    def run(self, *words: str) -> None:
        """Run ``plugbay`` to its successful end."""
        process = self.start(*words)
        assert process.wait(stretched(100)) == 0, self.printed()

    def printed(self) -> str:
        """All that was printed so far."""
        return (self.home.parent / "printed").read_text()

    def output(self, step: str) -> Any:
        """What a step of the last run returned."""
        target = self.home.parent / "output.json"
        self.run("artifacts", "get", "last", step, "-o", str(target), "--force")
        return json.loads(target.read_text())

    def logged(self, step: str) -> str:
        """What a step of the last run has printed."""
        before = len(self.printed())
        self.run("logs", "last", step)
        return self.printed()[before:]

    def begun(self) -> dict[int, list[str]]:
        """The processes that have begun to execute the slow steps, by the step's number."""
        found = {number: self.lines(f"slow-{number}") for number in range(4)}
        return {number: pids for number, pids in found.items() if pids}

    def second_attempts(self) -> list[str]:
        """The names of the records of attempts that were not the first."""
        return sorted(path.name for path in self.store.glob("runs/*/steps/*.2.json"))

    def lines(self, name: str) -> list[str]:
        """The lines of a note; none before it is there."""
        path = self.notes / name
        return path.read_text().split() if path.exists() else []


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{name} = {_toml(each)}' for name, each in value.items())} }}"
    return json.dumps(value)
