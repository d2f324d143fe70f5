"""``plugbay run --resume``: what was committed is kept, whatever ended the run."""

import os
import signal

from plugbay.testing.waiting import stretched, wait_until

SLOW = """
import pathlib
import time

from plugbay import pipeline, step


@step
def first() -> int:
    pathlib.Path("ran.txt").open("a").write("first ")
    return 1


@step
def second(value: int) -> int:
    pathlib.Path("ran.txt").open("a").write("second ")
    if not pathlib.Path("go").exists():
        time.sleep(600)
    return value + 1


@pipeline
def slow() -> None:
    second(first())
"""


def started(project):
    project.write("slow.py", SLOW)
    process = project.start("run", "slow.py")
    ran = project.directory / "ran.txt"
    wait_until(lambda: ran.exists() and "second" in ran.read_text())
    return process


def ended(process):
    out, err = process.communicate(timeout=stretched(30))
    return process.returncode, out, err


def test_the_times_of_a_resumed_run_say_what_they_count(project):
    failed = project.plugbay("run", "pipeline.py:flights", "-p", "rate=2")
    assert " failed in " in failed.out
    text = (project.directory / "pipeline.py").read_text()
    project.write("pipeline.py", text.replace("if rate > 1", "if rate > 10"))
    done = project.plugbay("run", "--resume", "last", PLUGBAY_OBSERVERS="progress")
    assert " succeeded in " in done.err  # this process's part
    assert " succeeded, " in done.out and " after it began" in done.out
    assert "from its beginning to its end: it was resumed" in project.plugbay("show", "last").out


def test_a_failed_run_goes_on_with_the_steps_that_succeeded_kept(project):
    run = project.run("-p", "rate=2", code=1)
    text = (project.directory / "pipeline.py").read_text()
    project.write("pipeline.py", text.replace("if rate > 1", "if rate > 10"))
    done = project.plugbay("run", "--resume", run["id"][:13], "--json")
    assert done.code == 0, done
    assert done.json["id"] == run["id"]
    steps = {step["id"]: step for step in done.json["steps"]}
    assert steps["train"]["attempts"] == 2
    assert steps["load"]["attempts"] == 1
    assert "warning: the code of steps still to be run has changed since the run was planned: train" in done.err
    assert "load" not in done.err.partition("planned:")[2].splitlines()[0]


def test_what_changed_code_computes_does_not_answer_for_the_code_it_was(project):
    original = (project.directory / "pipeline.py").read_text()
    run = project.run("-p", "rate=2", code=1)
    project.write("pipeline.py", original.replace("if rate > 1", "if rate > 10"))
    assert project.plugbay("run", "--resume", run["id"]).code == 0
    project.write("pipeline.py", original)
    assert project.run("-p", "rate=2", code=1)["failed_step"] == "train"


def test_unchanged_code_is_no_reason_for_a_warning(project):
    run = project.run("-p", "rate=2", code=1)
    done = project.plugbay("run", "--resume", run["id"][-8:])
    assert done.code == 1
    assert "warning" not in done.err


def test_a_killed_run_goes_on(project):
    process = started(project)
    process.kill()
    process.communicate()
    assert project.plugbay("runs", "--json").json[0]["status"] == "interrupted"
    project.write("go", "")
    done = project.plugbay("run", "--resume", "last", "--json")
    assert done.code == 0, done
    assert done.json["status"] == "succeeded"
    assert (project.directory / "ran.txt").read_text() == "first second second "


def test_an_interrupted_run_is_cancelled_with_130_and_goes_on(project):
    process = started(project)
    process.send_signal(signal.SIGINT)
    code, out, err = ended(process)
    assert code == 130
    assert " cancelled in " in out
    assert "Traceback" not in err
    assert "plugbay run --resume" in out
    project.write("go", "")
    assert project.plugbay("run", "--resume", "last").code == 0


def test_a_run_that_is_being_driven_is_not_resumed(project):
    process = started(project)
    project.plugbay("run", "--resume", "last").assert_error(
        f"is being driven by process {process.pid}", "plugbay cancel"
    )
    os.kill(process.pid, signal.SIGTERM)
    assert ended(process)[0] == 130


def test_a_run_that_succeeded_already_is_told_so(project):
    run = project.run()
    done = project.plugbay("run", "--resume", "last")
    assert done.code == 0
    assert "has succeeded already" in done.err
    assert run["id"] in done.out


def test_code_that_has_moved_is_named_with_a_target(project):
    run = project.run("-p", "rate=2", code=1)
    moved = project.directory / "elsewhere"
    moved.mkdir()
    (project.directory / "pipeline.py").rename(moved / "pipeline.py")
    project.plugbay("run", "--resume", run["id"]).assert_error(
        "cannot be imported from pipeline:flights", "FILE.py:PIPELINE"
    )
    done = project.plugbay("run", "elsewhere/pipeline.py:flights", "--resume", run["id"])
    assert done.code == 1
    assert "step 'train' failed" in done.err


def test_a_step_that_is_gone_is_named(project):
    run = project.run("-p", "rate=2", code=1)
    text = (project.directory / "pipeline.py").read_text().replace("train", "fit")
    project.write("pipeline.py", text)
    done = project.plugbay("run", "--resume", run["id"])
    assert done.code == 2
    assert "step 'train' cannot be found at pipeline:train" in done.err


def test_a_run_goes_on_on_the_stack_it_began_on(project):
    config = (project.directory / "plugbay.toml").read_text()
    project.write("plugbay.toml", config + '\n[stacks.other]\norchestrator = "local"\nartifact_store = "local"\n')
    run = project.run("-p", "rate=2", "--stack", "other", code=1)
    resumed = project.plugbay("run", "--resume", run["id"], "--json")
    assert resumed.json["stack"] == "other"


def test_a_run_is_resumed_with_what_it_was_started_with(project):
    project.plugbay("run", "--resume", "last", "-p", "rate=2").assert_error("-p does not go with --resume")
