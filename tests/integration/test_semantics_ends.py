"""An end is told as what it is: every kind of it, in the driver's process, in workers and in jobs of their own."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from plugbay import RunFailed
from plugbay.execution.causes import StepError, WorkerTraceback
from plugbay.execution.failures import StepTimeout
from plugbay_local.step_operator import ProcessStepOperator

pytestmark = [pytest.mark.usefixtures("project"), pytest.mark.timeout(120)]


@pytest.fixture(params=["driver", "workers"])
def place(request: pytest.FixtureRequest, make_stack: Any) -> Any:
    return make_stack(workers=1 if request.param == "driver" else 2)


def failure_of(function: Any, **options: Any) -> RunFailed:
    with pytest.raises(RunFailed) as caught:
        function.run(**options)
    return caught.value


def differences(step: Any, expected: dict[str, tuple[str, str]]) -> list[str]:
    """What calls of a mapped step say, where it is not a failure of the expected type and text."""
    found = []
    for (kind, (name, text)), call in zip(expected.items(), step.calls, strict=True):
        error = call.error
        if call.status != "failed" or error is None or error.type != name or text not in error.message:
            found.append(f"{kind}: {call.status} {error}")
    return found


def test_what_a_step_raises_is_in_its_record(place):
    import endings

    run = failure_of(endings.failing, stack=place, kinds=list(endings.FAILING)).run
    expected = {kind: (name, text) for kind, (_, name, text) in endings.FAILING.items()}
    assert differences(run["fail"], expected) == []
    assert run.status == "failed"
    for call in run["fail"].calls:
        assert "endings.py" in call.error.traceback or "cannot be shown" in call.error.traceback


def test_what_a_step_raises_in_a_job_is_in_its_record(make_stack, tmp_path):
    import endings

    kinds = ["mine", "no pickle", "no text", "KeyboardInterrupt", "GeneratorExit", "sys.exit(0)", "group"]
    stack = make_stack(workers=1, step_operator={"jobs": ProcessStepOperator()})
    run = failure_of(endings.failing_as_jobs, stack=stack, kinds=kinds).run
    assert differences(run["fail"], {kind: endings.FAILING[kind][1:] for kind in kinds}) == []


@pytest.mark.parametrize("where", ["driver", "workers", "job"])
@pytest.mark.parametrize("kind", ["mine", "no pickle", "class of a function", "KeyboardInterrupt", "group"])
def test_the_cause_of_a_failed_run_shows_where_the_step_was(make_stack, where, kind):
    import endings

    stack = make_stack(workers=2 if where == "workers" else 1, step_operator={"jobs": ProcessStepOperator()})
    failure = failure_of(endings.failing_as_jobs if where == "job" else endings.failing, stack=stack, kinds=[kind])
    _, name, text = endings.FAILING[kind]
    cause = failure.__cause__
    assert cause is not None
    if where == "job" or (where == "workers" and kind in ("no pickle", "class of a function")):
        assert isinstance(cause, StepError)
        assert cause.error.type == name
    else:
        assert type(cause).__qualname__ == name.removeprefix("endings.")
    shown = "".join(traceback.format_exception(failure))
    assert text in shown
    assert "endings.py" in shown
    if where != "driver":
        assert isinstance(cause.__cause__, WorkerTraceback)


def test_a_child_that_a_step_forks_ends_without_its_parent(place):
    import endings

    run = endings.forking.run(stack=place, kinds=list(endings.FORKING))
    codes = dict(zip(endings.FORKING, [call.output.load() for call in run["fork"].calls], strict=True))
    assert codes == {kind: code for kind, (_, code) in endings.FORKING.items()}
    logs = dict(zip(endings.FORKING, [call.log() for call in run["fork"].calls], strict=True))
    assert "child says no" in logs["sys.exit(text)"]
    assert "Mine: of a child" in logs["an exception"]
    assert "the child's own finally" in logs["through finally"]


def test_a_step_cannot_make_away_with_its_timeout(place):
    import endings

    run = failure_of(endings.lateness, stack=place, kinds=list(endings.LATE)).run
    text = "the step took longer than its timeout of 0.3 s"
    expected = dict.fromkeys(endings.LATE, ("plugbay.execution.failures.StepTimeout", text))
    assert differences(run["late"], expected) == []
    assert not issubclass(StepTimeout, Exception)


def test_a_step_that_has_timed_out_is_tried_again(place):
    import endings

    assert endings.retried.run(stack=place, place="")["late_once"].output.load() == 2


def test_a_step_cannot_end_the_process_of_the_driver(make_stack):
    import endings

    run = failure_of(endings.leaving, stack=make_stack(), kinds=list(endings.GONE)).run
    expected = {kind: ("plugbay.execution.failures.StepExited", text) for kind, (_, text) in endings.GONE.items()}
    assert differences(run["leave"], expected) == []


def test_how_a_worker_has_died_is_told_with_its_step(make_stack):
    import endings

    run = failure_of(endings.dying, stack=make_stack(workers=2), kinds=list(endings.KILLED)).run
    expected = {kind: ("plugbay_local.worker_process.WorkerDied", text) for kind, (_, text) in endings.KILLED.items()}
    assert differences(run["die"], expected) == []
    assert all(f"'{call.id}'" in call.error.message for call in run["die"].calls)


SCRIPT = """
import os
import sys
import threading

import endings
from plugbay import pipeline, step


@step
def leaves_in_a_thread() -> int:
    thread = threading.Thread(target=os._exit, args=(0,))
    thread.start()
    thread.join()
    return 1


@pipeline
def threaded():
    leaves_in_a_thread()


@pipeline
def one(kind: str):
    endings.fail(kind)


@pipeline
def gone(kind: str):
    endings.leave(kind)


if __name__ == "__main__":
    globals()[sys.argv[1]].run(**dict([word.split("=") for word in sys.argv[2:]]))
"""


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("one", "kind=sys.exit(0)"), 1, "SystemExit"),
        (("one", "kind=KeyboardInterrupt"), 1, "KeyboardInterrupt: mine"),
        (("one", "kind=no pickle"), 1, "NoPickle: x"),
        (("gone", "kind=os._exit(0)"), 1, "os._exit(0)"),
        (("gone", "kind=execlp"), 1, "os.execv"),
        (("threaded",), 1, ""),  # nothing of the process is left that could say more
    ],
)
def test_a_script_and_the_command_line_end_with_a_failure(scripts, words, code, told):
    from pathlib import Path

    scripts.write(SCRIPT)
    scripts.environment["PYTHONPATH"] = str(Path(__file__).parent / "projects")
    target, *parameters = words
    by_script = scripts.run("script.py", *words)
    options = [word for parameter in parameters for word in ("-p", parameter)]
    by_command = scripts.run("-m", "plugbay", "run", f"script.py:{target}", *options)
    for done, out, err in (by_script, by_command):
        assert done == code, (out, err)
        assert told in out + err
