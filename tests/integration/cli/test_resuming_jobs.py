"""``plugbay run --resume`` where a step runs as a job that outlives its driver."""

from __future__ import annotations

import time

import pytest

from plugbay.testing.waiting import stretched, wait_until

CONFIG = """
observers = []

[stacks.default]
orchestrator = { flavor = "local", workers = 1 }
artifact_store = "local"

[stacks.default.step_operator.box]
flavor = "process"
inherit = ["PLUGBAY_HOME"]
"""

PIPELINE = """
import os
import pathlib
import time

from plugbay import pipeline, step

HERE = pathlib.Path({here!r})


def note(text):
    with (HERE / "ran.txt").open("a") as file:
        file.write(text + " ")


@step
def first() -> int:
    note("first")
    return 1


@step(operator="box", retries=1, retry_delay=0)
def second(value: int) -> int:
    note("second")
    (HERE / "job.pid").write_text(str(os.getpid()))
    while not (HERE / "go").exists():
        time.sleep(0.05)
    if (HERE / "go").read_text() == "fail":
        (HERE / "go").write_text("")
        raise ValueError("not this time")
    return value + 1


@pipeline
def jobs() -> None:
    second(first())
"""


@pytest.fixture
def interrupted(project):
    """A run whose driver was killed while its job runs."""
    project.write("plugbay.toml", CONFIG)
    (project.directory / "jobs.py").write_text(PIPELINE.format(here=str(project.directory)))
    driver = project.start("run", "jobs.py")
    wait_until((project.directory / "job.pid").exists)
    driver.kill()
    driver.communicate()
    assert project.plugbay("runs", "--json").json[0]["status"] == "interrupted"
    yield project
    (project.directory / "go").touch()
    wait_until(lambda: not living(project))


def ran(project):
    return (project.directory / "ran.txt").read_text()


def jobs_of(project):
    return [path for path in (project.home / "jobs").glob("*-*") if path.is_dir()]


def living(project):
    return [job for job in jobs_of(project) if not (job / "end.json").exists()]


def resumed(project, status="succeeded", attempts=1):
    done = project.plugbay("run", "--resume", "last", "--json")
    assert done.code == 0, done
    assert done.json["status"] == status
    (second,) = [step for step in done.json["steps"] if step["id"] == "second"]
    assert (second["status"], second["attempts"]) == ("succeeded", attempts)
    return done


def test_a_job_that_still_runs_is_waited_for(interrupted):
    driver = interrupted.start("run", "--resume", "last")
    wait_until(lambda: interrupted.plugbay("runs", "--json").json[0]["status"] == "running")
    time.sleep(0.5)
    assert driver.poll() is None, "it does not wait for the job"
    (interrupted.directory / "go").touch()
    _, err = driver.communicate(timeout=stretched(40))
    assert driver.returncode == 0, err
    assert ran(interrupted) == "first second ", "the job was submitted twice"
    assert jobs_of(interrupted) == [], "what the job left was not removed"


def test_a_job_that_ended_meanwhile_is_not_run_again(interrupted):
    (interrupted.directory / "go").touch()
    wait_until(lambda: not living(interrupted))
    resumed(interrupted)
    assert ran(interrupted) == "first second "
    assert jobs_of(interrupted) == [], "what the job left was not removed"


def test_a_job_that_failed_meanwhile_is_tried_again(interrupted):
    (interrupted.directory / "go").write_text("fail")
    wait_until(lambda: not living(interrupted))
    resumed(interrupted, attempts=2)
    assert ran(interrupted) == "first second second "


def test_a_job_that_was_lost_meanwhile_is_submitted_again(interrupted):
    import os
    import signal

    os.kill(int((interrupted.directory / "job.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: not living(interrupted))
    (interrupted.directory / "go").touch()
    resumed(interrupted)
    assert ran(interrupted) == "first second second "


def test_a_job_is_found_by_the_resumption_of_a_resumption(interrupted):
    driver = interrupted.start("run", "--resume", "last")
    wait_until(lambda: interrupted.plugbay("runs", "--json").json[0]["status"] == "running")
    time.sleep(0.3)
    driver.kill()
    driver.communicate()
    (interrupted.directory / "go").touch()
    resumed(interrupted)
    assert ran(interrupted) == "first second "
