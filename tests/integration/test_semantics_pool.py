import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from plugbay import RunFailed
from plugbay.history.queries import runs
from plugbay.testing.waiting import stretched, wait_until

pytestmark = pytest.mark.usefixtures("project")


@pytest.fixture
def pool(make_stack: Any, recorder: Any) -> Any:
    return make_stack(recorder, workers=2)


def failed(function: Any, stack: Any, **options: Any) -> Any:
    with pytest.raises(RunFailed) as caught:
        function.run(stack=stack, **options)
    return caught.value.run


@pytest.mark.parametrize(
    ("kind", "told"), [("die", "SIGSEGV"), ("leave", "exit code 3"), ("broken", "ValueError: mine")]
)
def test_whatever_ends_a_worker_the_step_fails_and_the_run_ends(pool, kind, told):
    import pooled

    run = failed(pooled.accident, pool, kind=kind, failure="continue")
    assert run.status == "failed"
    assert (run["bad"].status, run["after_bad"].status) == ("failed", "skipped")
    assert told in str(run["bad"].error)
    assert run["beside"].output.load() == 41


def test_a_map_runs_in_the_pool(pool):
    import pooled

    run = pooled.squares.run(stack=pool, count=6)
    assert run["total"].output.load() == 55
    assert os.getpid() not in {call.record.pid for call in run["square"].calls}
    assert pooled.squares.run(stack=pool, count=0)["total"].output.load() == 0


def test_a_step_that_takes_too_long_in_a_worker_is_ended(pool):
    import pooled

    before = time.monotonic()
    run = failed(pooled.late, pool, failure="continue")
    assert time.monotonic() - before < stretched(5)
    assert "timeout of 0.3 s" in run["slow"].error.message
    assert run["square"].status == "succeeded"


def test_a_step_that_does_not_listen_to_its_timeout_is_killed(pool, monkeypatch):
    import pooled

    monkeypatch.setattr("plugbay.execution.timing.TIMEOUT_GRACE", 0.5)
    run = failed(pooled.late_and_deaf, pool, failure="continue")
    assert "timeout of 0.3 s" in run["slow_and_deaf"].error.message


def test_async_steps_run_in_the_pool(pool):
    import pooled

    run = pooled.asynchronous.run(stack=pool)
    assert run["total"].output.load() == 3
    assert run["soon_2"].metrics == {"x": 2.0}


def test_a_log_is_complete_with_what_children_print(pool):
    import pooled

    run = pooled.talk.run(stack=pool, lines=1000)
    expected = [text for line in range(1000) for text in (f"line {line}", f"error {line}")]
    assert run["chatty"].log().split("\n") == [*expected, "from a child", "from below", "no end"]


def test_the_log_of_a_step_that_was_killed_is_complete(pool):
    import pooled

    run = failed(pooled.last_words, pool, failure="continue")
    assert run["killed_while_it_prints"].log().splitlines() == [f"line {line}" for line in range(1000)]
    assert "SIGKILL" in run["killed_while_it_prints"].error.message


def test_settings_do_not_reach_the_environment_of_workers(pool):
    import pooled

    run = pooled.settings.run(stack=pool)
    for name in ("here", "there"):
        assert run[name].output.load() == dict(os.environ)


def test_fail_fast_cancels_what_runs_and_tells_of_it(pool, recorder):
    import pooled

    before = time.monotonic()
    run = failed(pooled.hurried, pool)
    assert time.monotonic() - before < stretched(10)
    assert run.status == "failed"
    assert run.failed_step == "broken"
    assert run["sleep"].status == "cancelled"
    (broken,) = recorder.named("step_failed")
    assert broken["seconds"] == run["broken"].summary.seconds
    (sleeping,) = recorder.named("step_cancelled")
    assert (sleeping["step"].step, sleeping["seconds"]) == ("sleep", run["sleep"].summary.seconds)


SCRIPT = """
    import os
    from plugbay import pipeline, step
    from dataclasses import dataclass

    @dataclass
    class Row:
        n: int

    @step
    def make(n: int) -> Row:
        return Row(n)

    @step
    def pids(a: Row, b: Row) -> int:
        return a.n + b.n

    @pipeline
    def flights():
        pids(make(1), make(2))

    def show(run):
        print(run["pids"].output.load(), run["make"].output.load().n)
        print("elsewhere" if run["make"].record.pid != os.getpid() else "here")
"""
CONFIG = '[stacks.default]\nartifact_store = "local"\n[stacks.default.orchestrator]\nflavor = "local"\nworkers = 2\n'


def test_steps_of_a_script_run_in_the_pool(scripts):
    scripts.write(CONFIG, "plugbay.toml")
    scripts.write(SCRIPT + "\n    if __name__ == '__main__':\n        show(flights.run())\n")
    code, out, err = scripts.run("script.py")
    assert (code, out) == (0, "3 1\nelsewhere\n"), err


def test_a_script_without_the_guard_is_told_what_to_do(scripts):
    scripts.write(CONFIG, "plugbay.toml")
    scripts.write(SCRIPT + "\n    show(flights.run())\n")
    code, out, err = scripts.run("script.py")
    assert code != 0
    assert out == ""
    assert 'if __name__ == "__main__":' in err.replace("'", '"')


def test_steps_of_an_interactive_session_run_in_the_driver(scripts):
    from textwrap import dedent

    scripts.write(CONFIG, "plugbay.toml")
    text = dedent(SCRIPT).replace(
        "@dataclass\nclass Row:\n    n: int\n", "from collections import namedtuple\nRow = namedtuple('Row', 'n')\n"
    )
    text = text.replace("-> Row", "").replace(": Row", "")
    code, out, err = scripts.run("-c", text + "\nshow(flights.run())\n")
    assert (code, out) == (0, "3 1\nhere\n"), err
    # a prompt ends a block at an empty line
    code, out, err = scripts.run(
        "-i", "-q", stdin=text.replace("\n\n", "\n\n\n") + "\nshow(flights.run(cache=False))\n"
    )
    assert "3 1\nhere\n" in out, err


SLOW = """
    import sys, time
    from pathlib import Path
    from plugbay import RunFailed, pipeline, step

    @step(cache=False)
    def quick() -> int:
        return 1

    @step(cache=False)
    def slow(x: int, name: str) -> int:
        import os
        Path(f"started.{name}").write_text(str(os.getpid()))
        time.sleep(600)
        return x

    @pipeline
    def flights(calls: int):
        value = quick()
        for number in range(calls):
            value_2 = slow(value, str(number))
        slow(value_2, "later", id="later")

    if __name__ == "__main__":
        try:
            flights.run(calls=int(sys.argv[1]))
        except RunFailed as failed:
            print(failed.run.id, failed.run.status)
            print({step.id: step.status for step in failed.run.steps})
            print([record.status for step in failed.run.steps for record in step.attempts])
            sys.exit(130)
"""


def processes_below(pid: int) -> set[int]:
    found = subprocess.run(["ps", "-e", "-o", "pid=,ppid=,sid="], capture_output=True, text=True, check=True).stdout
    return {int(line.split()[0]) for line in found.splitlines() if int(line.split()[2]) == pid}


@pytest.mark.parametrize("calls", [1, 2], ids=["inline", "pool"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_run_and_leaves_nothing_behind(scripts, calls, number):
    scripts.write(CONFIG, "plugbay.toml")
    scripts.write(SLOW)
    process = scripts.start("script.py", str(calls), start_new_session=True)
    try:
        started = [Path(scripts.directory, f"started.{name}") for name in range(calls)]
        wait_until(lambda: all(path.exists() and path.read_text() for path in started), 30)
        before = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=stretched(30))
        took = time.monotonic() - before
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 130, err
    lines = out.splitlines()
    assert lines[0].endswith(" cancelled")
    running = {"slow": "cancelled"} | ({"slow_2": "cancelled"} if calls == 2 else {})
    assert eval(lines[1]) == {"quick": "succeeded", **running, "later": "skipped"}
    assert eval(lines[2]) == ["succeeded"] + ["cancelled"] * calls
    assert "Traceback" not in err
    assert took < stretched(8)
    wait_until(lambda: processes_below(process.pid) == set(), 5, lacking="processes of the run are still there")
    (run,) = runs()
    assert run.status == "cancelled"
