"""What podman grants and refuses, beside what every step operator does."""

from __future__ import annotations

import time

import pytest
from attrs import evolve

from plugbay.testing.step_operator import a_step
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs.types import JobStatus, Resources, StackInfo
from plugbay_podman.step_operator import PodmanStepOperator
from servers.containers import BASE


def ended(operator: PodmanStepOperator, program: str, **settings: object) -> tuple[JobStatus, list[str]]:
    """Run a program as a job; return how it ended and what it printed."""
    arguments = {"environment": {}, "resources": Resources(), "image": BASE, "timeout": None, **settings}
    job = operator.step_operator_submit(step=a_step(), command=["python", "-c", program], **arguments)
    status = operator.step_operator_wait(job, 60)
    lines = list(operator.step_operator_logs(job, follow=False))
    operator.step_operator_cleanup(job)
    return status, lines


def test_cores_are_a_limit(operator: PodmanStepOperator) -> None:
    """Two processes that are granted half a core have used half of the time that went by."""
    program = (
        "import os, time; os.fork(); began = time.monotonic()\n"
        "while time.monotonic() - began < 2: pass\n"
        "print(sum(os.times()[:2]) / 2)"
    )
    status, lines = ended(operator, program, resources=Resources(cpu=0.5))
    assert status.state == "succeeded"
    assert sum(map(float, lines)) < 0.75


def test_a_job_that_took_too_much_memory_says_so(operator: PodmanStepOperator) -> None:
    status, _ = ended(operator, "bytearray(2_000_000_000)", resources=Resources(memory=200_000_000))
    assert (status.state, status.exit_code) == ("failed", 137)
    assert "OOMKilled" in status.reason or "SIGKILL" in status.reason


def test_a_job_that_took_too_long_says_so(operator: PodmanStepOperator) -> None:
    status, _ = ended(operator, "import time; time.sleep(60)", timeout=1.0)
    assert status.state == "failed"
    assert "longer than its timeout of 1 s" in status.reason


CLEANING = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit("cleaned up"))
print("began", flush=True)
time.sleep(600)
"""


def test_a_job_that_took_too_long_is_asked_to_end_first(operator: PodmanStepOperator) -> None:
    status, lines = ended(evolve(operator, grace=30), CLEANING, timeout=2.0)
    assert lines == ["began", "cleaned up"]
    assert (status.state, status.exit_code) == ("failed", 1)
    assert "longer than its timeout of 2 s" in status.reason


def test_a_limit_changes_nothing_of_a_job_that_keeps_it(operator: PodmanStepOperator) -> None:
    status, lines = ended(operator, "import sys; print(sys.argv); sys.exit(3)", timeout=60.0)
    assert (status.state, status.exit_code, lines) == ("failed", 3, ["['-c']"])


def test_a_container_that_cannot_start_leaves_nothing(operator: PodmanStepOperator) -> None:
    step = a_step()
    with pytest.raises(OSError, match="no-such-user"):
        evolve(operator, user="no-such-user").step_operator_submit(
            step=step, command=["true"], environment={}, resources=Resources(), image=BASE, timeout=None
        )
    assert operator.step_operator_find(step) is None


def test_a_container_that_was_made_and_not_started_can_be_cancelled(operator: PodmanStepOperator) -> None:
    job = operator._tool.run("create", BASE, "true")
    assert operator.step_operator_status(job).state == "queued"
    operator.step_operator_cancel(job)
    assert operator.step_operator_wait(job, 10).state == "cancelled"
    operator.step_operator_cleanup(job)


def test_an_image_of_its_own_is_used_and_none_is_built(operator: PodmanStepOperator) -> None:
    mine = evolve(operator, image=BASE)
    assert operator.step_operator_capabilities().image == "required"
    assert mine.step_operator_capabilities().image == "unused"
    assert ended(mine, "print('ran')", image=None)[1] == ["ran"]
    with pytest.raises(ValueError, match="no image to run"):
        ended(operator, "print('ran')", image=None)


def test_an_image_that_is_not_there_is_told(operator: PodmanStepOperator) -> None:
    with pytest.raises(OSError, match="no-such-image"):
        ended(operator, "print('ran')", image="localhost/no-such-image:1")


def test_what_cannot_be_granted_is_refused(operator: PodmanStepOperator) -> None:
    with pytest.raises(ValueError, match="gpu cannot be granted"):
        ended(operator, "pass", resources=Resources(gpu=1))


def test_settings_that_are_wrong_are_problems() -> None:
    wrong = PodmanStepOperator(volumes=("/srv",), grace=-1)
    assert len(wrong.component_validate(StackInfo(name="s", components=()))) == 2


def test_cancelling_takes_no_longer_than_the_grace(operator: PodmanStepOperator) -> None:
    job = operator.step_operator_submit(
        step=a_step(),
        command=[
            "python",
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
        ],
        environment={},
        resources=Resources(),
        image=BASE,
        timeout=None,
    )
    wait_until(lambda: "deaf" in list(operator.step_operator_logs(job, False)))
    began = time.monotonic()
    operator.step_operator_cancel(job)
    assert operator.step_operator_wait(job, stretched(30)).state == "cancelled"
    assert time.monotonic() - began < stretched(20)
    operator.step_operator_cleanup(job)
