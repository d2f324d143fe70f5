"""docs/examples/all_thirteen: one run with a tool of each component type, as a user starts it, and the trace of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from plugbay.testing.waiting import stretched
from plugbay_hookspecs.catalogue import COMPONENT_TYPES
from servers.debian import need

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "all_thirteen"
KEY = "a key that nobody may see"


class Example:
    """A copy of the example, in which commands are run."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.trace = directory / "trace.json"
        self.first_run = ""
        shutil.copytree(EXAMPLE, directory, ignore=shutil.ignore_patterns("__pycache__", "feature_repo", "*.jsonl"))
        self.environment = {**os.environ, "CELLAR_SIGNING_KEY": KEY, "PLUGBAY_HOME": str(directory / "home")}

    def plugbay(self, *words: str, **variables: str) -> str:
        command = [sys.executable, "-m", "plugbay", *words]
        environment = {**self.environment, **variables}
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            timeout=stretched(300),
            check=False,
        )
        assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def last_run(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.plugbay("show", "last", "--json"))
        return shown

    def alert(self) -> dict[str, Any]:
        """What people were told last."""
        *_, last = (self.directory / "alerts.jsonl").read_text().splitlines()
        told: dict[str, Any] = json.loads(json.loads(last)["text"])
        return told


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    need("buildah", "runc")
    example = Example(tmp_path_factory.mktemp("all") / "thirteen")
    storage = tmp_path_factory.mktemp("images")
    example.environment["CONTAINERS_STORAGE_CONF"] = str(storage / "storage.conf")
    settings = f'[storage]\ndriver = "vfs"\ngraphroot = "{storage}/graph"\nrunroot = "{storage}/run"\n'
    (storage / "storage.conf").write_text(settings)
    try:
        example.plugbay("run", "pipeline.py:cellar", PLUGBAY_TRACE=str(example.trace))
        example.first_run = example.last_run()["id"]
        yield example
    finally:
        example.plugbay("stack", "down")
        code = "from plugbay import Stack\nwith Stack.load() as stack:\n"
        code += "    for each in stack.model_deployer.find():\n        stack.model_deployer.delete(each.id, force=True)"
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=example.directory,
            env=example.environment,
            check=True,
            timeout=stretched(60),
        )


def test_the_model_answers_when_the_run_is_over(example: Example) -> None:
    wine = [14.23, 1.71, 2.43, 15.6, 127, 2.8, 3.06, 0.28, 2.29, 5.64, 1.04, 3.92, 1065]
    request = Request(example.alert()["url"], json.dumps([wine]).encode())
    with urlopen(request, timeout=stretched(30)) as answer:
        assert json.load(answer) == ["first"]


def test_the_version_tells_where_it_comes_from(example: Example) -> None:
    code = "from plugbay import Stack\nwith Stack.load() as stack:\n"
    code += "    print(stack.model_registry.get_version('vineyard', '1').origin.run_id)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=example.directory,
        env=example.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == example.first_run


def test_every_component_type_answers_a_hook_of_its_own(example: Example) -> None:
    names = {event["name"] for event in _events(example.trace)}
    silent = [kind for kind in COMPONENT_TYPES if not any(name.startswith(f"{kind}_") for name in names)]
    assert silent == []


def test_the_trace_shows_who_answered_and_no_secret(example: Example) -> None:
    assert KEY not in example.trace.read_text()
    (built,) = [
        event for event in _events(example.trace) if event["name"] == "image_builder_build" and event["ph"] == "B"
    ]
    assert built["args"]["flavor"] == "buildah"
    assert built["args"]["distribution"].startswith("plugbay-buildah ")


def test_again_only_what_changes_something_outside_is_done(example: Example) -> None:
    example.plugbay("run", "pipeline.py:cellar")
    cached = [step["id"] for step in example.last_run()["steps"] if step["status"] == "cached"]
    assert cached == ["analyse", "check", "train"]
    assert example.alert()["model"] == "vineyard 2"


def _events(trace: Path) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = json.loads(trace.read_text() + "]")
    return events
