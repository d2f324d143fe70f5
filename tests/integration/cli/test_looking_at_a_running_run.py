"""``plugbay show`` of a run that goes on: what runs, what waits, and for what."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from plugbay.testing.waiting import stretched, wait_until

GOING_ON = """
import pathlib
import time

from plugbay import pipeline, step


def wait_for(name: str) -> None:
    while not pathlib.Path(name).exists():
        time.sleep(0.02)


@step
def load() -> list[int]:
    return [0, 1, 2, 3]


@step
def same(numbers: list[int]) -> list[int]:
    return numbers


@step(retries=1, retry_delay=3600)
def fit(number: int) -> int:
    if number == 1:
        raise ConnectionError("it is away")
    if number > 1:
        wait_for("end")
    return number


@step
def side(numbers: list[int]) -> int:
    wait_for("side")
    return len(numbers)


@step
def join(fitted: list[int], side: int) -> int:
    return sum(fitted) + side


@pipeline
def going_on() -> None:
    numbers = load()
    join(fit.map(same(numbers)), side(numbers))
"""
CONFIG = """
observers = []

[stacks.default]
orchestrator = { flavor = "local", workers = 2 }
artifact_store = "local"
"""


@pytest.fixture
def going_on(project: Any) -> Iterator[Any]:
    project.write("going_on.py", GOING_ON)
    project.write("plugbay.toml", CONFIG)
    project.process = project.start("run", "going_on.py")
    yield project
    project.process.kill()
    project.process.communicate(timeout=stretched(20))


def seen(project: Any, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The steps as soon as they are so."""
    found: dict[str, Any] = {}

    def look() -> bool:
        nonlocal found
        shown = project.plugbay("show", "last", "--json")
        found = {step["id"]: step for step in shown.json["steps"]} if shown.code == 0 else {}
        return bool(found) and holds(found)

    wait_until(look)
    return found


def test_what_runs_is_running_and_what_waits_says_for_what(going_on: Any) -> None:
    def is_held_up(steps: dict[str, Any]) -> bool:
        return [call["status"] for call in steps["fit"]["calls"]][1:3] == ["pending", "running"]

    steps = seen(going_on, is_held_up)
    assert {name: step["status"] for name, step in steps.items()} == {
        "load": "succeeded",
        "same": "succeeded",
        "side": "running",
        "fit": "running",
        "join": "pending",
    }
    assert steps["join"]["reason"] == "needs fit, side"
    assert [call["status"] for call in steps["fit"]["calls"]] == ["succeeded", "pending", "running", "pending"]

    shown = going_on.plugbay("show", "last").out
    assert "4 calls: 1 succeeded, 2 pending, 1 running" in shown
    assert "after ConnectionError: it is away" in shown
    assert "waits for others to end: no more can run at once" in shown

    (going_on.directory / "side").touch()
    steps = seen(going_on, lambda steps: steps["side"]["status"] == "succeeded")
    assert steps["join"]["reason"] == "needs fit"


def test_a_run_that_was_killed_has_no_running_step(going_on: Any) -> None:
    seen(going_on, lambda steps: steps["side"]["status"] == "running")
    going_on.process.kill()
    steps = seen(going_on, lambda steps: steps["side"]["status"] is None)
    assert steps["load"]["status"] == "succeeded"


CACHED = """
import pathlib
import time

from plugbay import pipeline, step


@step
def load() -> int:
    return 1


@step(cache=False)
def wait(number: int) -> int:
    while not pathlib.Path("end").exists():
        time.sleep(0.02)
    return number


@pipeline
def waiting() -> None:
    wait(load())
"""


def test_what_was_answered_from_the_cache_is_known_while_the_run_goes_on(project: Any) -> None:
    project.write("waiting.py", CACHED)
    (project.directory / "end").touch()
    first = project.plugbay("run", "waiting.py", "--json").json
    (project.directory / "end").unlink()
    process = project.start("run", "waiting.py")
    steps = seen(project, lambda steps: steps["wait"]["status"] == "running")
    assert (steps["load"]["status"], steps["load"]["source"]["run"]) == ("cached", first["id"])
    (project.directory / "end").touch()
    out, _ = process.communicate(timeout=stretched(20))
    assert "succeeded" in out
    keys = [str(path) for path in project.directory.parent.rglob("in-hand/*")]
    assert keys == []
