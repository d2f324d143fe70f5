"""A step leaves nothing to the next one in its process, or the process is replaced."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.usefixtures("project"), pytest.mark.timeout(240)]


@pytest.fixture(params=["driver", "workers"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def looked(scripts: Any, place: str, kinds: list[str]) -> tuple[int, dict[str, Any]]:
    """The driver's process, and by kind what steps have found before and after another one."""
    code, out, err = scripts.run(str(Path(__file__).parent / "projects" / "leftovers.py"), place, *kinds)
    assert code == 0, out + err
    found = json.loads(out.partition("found ")[2])
    return found["driver"], dict(zip(kinds, found["found"], strict=True))


def test_a_step_leaves_nothing_to_the_next_one(scripts, place):
    import leftovers

    driver, found = looked(scripts, place, list(leftovers.DIRT))
    left = {kind: (each["before"], each["after"]) for kind, each in found.items() if each["before"] != each["after"]}
    assert left == {}
    processes = {each["dirty"] for each in found.values()}
    if place == "driver":
        assert processes == {driver}
    else:  # it may begin in the worker that is free first
        assert len(processes) <= 2
        assert driver not in processes


def test_a_process_with_something_that_cannot_be_put_back_executes_no_more_steps(scripts):
    import leftovers

    _, found = looked(scripts, "workers", list(leftovers.SPENDING))
    assert [kind for kind, each in found.items() if each["before"] != each["after"]] == []
    assert [kind for kind, each in found.items() if each["dirty"] == each["where"]] == []


def test_a_step_that_seeds_does_not_make_the_next_one_predictable(scripts, place):
    import leftovers

    found = [looked(scripts, place, [kind, kind])[1] for kind in leftovers.RANDOM]
    numbers = [each[which] for kinds in found for each in kinds.values() for which in ("before", "after")]
    assert len(set(numbers)) == len(numbers)


def test_a_seed_of_the_script_counts_for_every_step_of_a_chain(make_stack):
    import leftovers

    found = []
    for _ in range(2):
        random.seed(5)
        run = leftovers.before_and_after.run(stack=make_stack(), kinds=["random"])
        found.append((run["before_0"].output.load(), run["after_0"].output.load()))
    assert found[0] == found[1]
    assert found[0][0] != found[0][1]


def test_a_relative_path_that_a_step_returns_is_one_from_where_it_has_gone(make_stack, tmp_path):
    import leftovers

    run = leftovers.written_where_it_went.run(stack=make_stack(), place=tmp_path)
    assert run["read_there"].output.load() == f"there {os.getcwd()}"


def test_what_a_failed_step_has_changed_is_put_back(make_stack):
    import leftovers

    from plugbay import RunFailed, pipeline

    here = os.getcwd()
    with pytest.raises(RunFailed):
        pipeline(lambda: leftovers.fails_dirty("directory", "")).run(stack=make_stack())
    assert os.getcwd() == here


def test_a_step_beside_others_in_threads_of_a_process_leaves_what_they_use_alone(make_stack, tmp_path):
    from plugbay import pipeline, step

    began, changed = threading.Event(), threading.Event()

    @step(cache=False)
    def long() -> str:
        began.set()
        changed.wait(60)
        return os.environ.get("SHARED_BY_STEPS", "nothing")

    @step(cache=False)
    def short() -> int:
        os.environ["SHARED_BY_STEPS"] = "set"
        return 1

    found: list[Any] = []
    other = threading.Thread(
        target=lambda: found.append(pipeline(lambda: long()).run(stack=make_stack())["long"].output.load())
    )
    other.start()
    began.wait(60)
    try:
        pipeline(lambda: short()).run(stack=make_stack())
        changed.set()
        other.join(60)
        assert found == ["set"]
    finally:
        os.environ.pop("SHARED_BY_STEPS", None)


def test_a_timer_of_the_program_runs_on_after_a_step_with_a_timeout(make_stack):
    from plugbay import pipeline, step

    @step(cache=False, timeout=30)
    def quick() -> int:
        return 1

    fired = []
    before = signal.signal(signal.SIGALRM, lambda *_: fired.append(1))
    left, interval = signal.setitimer(signal.ITIMER_REAL, 500)
    try:
        pipeline(lambda: quick()).run(stack=make_stack())
        assert 300 < signal.getitimer(signal.ITIMER_REAL)[0] <= 500
    finally:
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        signal.signal(signal.SIGALRM, before)
