"""``plugbay cancel`` and ``plugbay logs --follow``: a run in progress, looked at from outside."""

import signal

import pytest

from plugbay.testing.waiting import stretched, wait_until

TALKING = """
import pathlib
import time

from plugbay import pipeline, step


@step(retries=1, retry_delay=0)
def talk() -> int:
    tries = len(list(pathlib.Path().glob("try*")))
    pathlib.Path(f"try{tries}").touch()
    print("try", tries, "begins", flush=True)
    while not pathlib.Path(f"end{tries}").exists():
        time.sleep(0.02)
    print("try", tries, "ends")
    if tries == 0:
        raise ValueError("not yet")
    return 1


@pipeline
def talking() -> None:
    talk()
"""


def talking(project):
    project.write("talking.py", TALKING)
    process = project.start("run", "talking.py")
    wait_until((project.directory / "try0").exists)
    return process


def test_a_running_run_is_cancelled_from_outside(project):
    process = talking(project)
    assert project.plugbay("runs", "--json").json[0]["status"] == "running"
    done = project.plugbay("cancel", "last")
    assert done.code == 0, done
    assert f"process {process.pid} on " in done.out
    out, err = process.communicate(timeout=stretched(20))
    assert process.returncode == 130, err
    assert " cancelled in " in out
    assert project.plugbay("runs", "--json").json[0]["status"] == "cancelled"
    again = project.plugbay("cancel", "last")
    assert again.code == 0
    assert "is not running: it was cancelled; to go on with it: plugbay run --resume" in again.out


def test_a_run_that_has_ended_need_not_be_cancelled(history):
    done = history.plugbay("cancel", history.succeeded["id"])
    assert done.code == 0
    assert "is not running: it succeeded" in done.out


def test_a_log_is_followed_through_every_attempt_to_the_end_of_the_step(project):
    process = talking(project)
    assert project.plugbay("logs", "last", "talk").out == "try 0 begins\n"
    following = project.start("logs", "last", "talk", "--follow")
    assert following.stdout.readline() == "try 0 begins\n"
    (project.directory / "end0").touch()
    assert following.stdout.readline() == "try 0 ends\n"
    assert following.stdout.readline() == "try 1 begins\n"
    (project.directory / "end1").touch()
    out, err = following.communicate(timeout=stretched(20))
    assert (following.returncode, out, err) == (0, "try 1 ends\n", "")
    process.communicate(timeout=stretched(20))
    assert project.plugbay("logs", "last", "talk", "--attempt", "1").out == "try 0 begins\ntry 0 ends\n"
    shown = project.plugbay("show", "last").out
    assert "2 attempts" in shown


MAPPED = """
import pathlib
import time

from plugbay import pipeline, step


@step
def numbers() -> list[int]:
    print("two numbers")
    return [0, 1]


@step
def work(number: int) -> int:
    print("begin", number, flush=True)
    while not pathlib.Path(f"end{number}").exists():
        time.sleep(0.02)
    print("end", number)
    return number


@pipeline
def working() -> None:
    work.map(numbers())
"""


@pytest.mark.parametrize("step", [["work"], []])
def test_the_calls_of_a_mapped_step_are_followed_while_they_run(project, step):
    project.write("working.py", MAPPED)
    process = project.start("run", "working.py")
    wait_until(lambda: "begin 0" in project.plugbay("logs", "last").out)
    following = project.start("logs", "last", *step, "--follow")
    expected = (
        ["==> work.0 <==", "begin 0"] if step else ["==> numbers <==", "two numbers", "==> work.0 <==", "begin 0"]
    )
    assert [following.stdout.readline() for _ in expected] == [f"{line}\n" for line in expected]
    (project.directory / "end0").touch()
    expected = ["end 0", "==> work.1 <==", "begin 1"]
    assert [following.stdout.readline() for _ in expected] == [f"{line}\n" for line in expected]
    (project.directory / "end1").touch()
    assert following.communicate(timeout=stretched(20)) == ("end 1\n", "")
    process.communicate(timeout=stretched(20))
    assert process.returncode == 0


DEAF = """
import pathlib
import time

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Capabilities


@component
class Deaf:
    @hookimpl
    def orchestrator_capabilities(self):
        return Capabilities()

    @hookimpl
    def orchestrator_run(self, run):
        for step in run.ready():
            pathlib.Path("taken").touch()
            while True:
                time.sleep(0.05)
"""


@pytest.mark.parametrize("observers", ["[]", '["progress"]'])
def test_an_interrupt_is_acknowledged_at_once_and_a_second_one_ends_the_run(project, observers):
    project.write("deaf.py", DEAF)
    project.write(
        "plugbay.toml",
        f"""
        observers = {observers}

        [stacks.default]
        orchestrator = "./deaf.py:Deaf"
        artifact_store = "local"
        """,
    )
    project.write("talking.py", TALKING)
    process = project.start("run", "talking.py")
    wait_until((project.directory / "taken").exists)
    process.send_signal(signal.SIGINT)
    lines = iter(process.stderr.readline, "")
    assert any(line.startswith("cancelling the run: ") and "once more" in line for line in lines)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=stretched(20))
    assert process.returncode == 130
