"""What every step operator does: run a command, tell how it goes, end it, and show what it printed.

The commands are Python programs without imports beyond the standard library; ``python`` names the interpreter that jobs
have.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import call
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs.types import JobStatus, Resources, StepInfo

NO_SUCH_JOBS = ("no-such-job", "..", "0000000000000000-000000000000")
ENDLESS = "import time\nprint('begun', flush=True)\ntime.sleep(600)"
STUBBORN = f"import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n{ENDLESS}"


class StepOperatorContract(ComponentContract):
    """Tests of a step operator."""

    component_type = "step_operator"
    capabilities = frozenset({"find", "wait", "logs", "memory", "timeout", "exit_code"})
    """``memory``: it limits a job's memory; ``timeout``: it ends a job that takes too long; ``exit_code``: it tells it."""
    python: ClassVar[str] = sys.executable
    image: ClassVar[str | None] = None
    """The image that jobs run in, for an operator that needs one."""
    patience: ClassVar[float] = 60.0
    """Seconds that a job which does nothing may take, with its start and its end."""

    @pytest.fixture
    def submit(self, hooks: Any) -> Iterator[Callable[..., str]]:
        """Submit a Python program as a job; all jobs are ended and cleaned up after the test."""
        jobs: list[str] = []

        def submit(program: str, *arguments: str, **options: Any) -> str:
            jobs.append(self.submitted(hooks, program, *arguments, **options))
            return jobs[-1]

        yield submit
        for job in jobs:
            hooks.step_operator_cancel(job=job)
        for job in jobs:
            try:
                self.ended(hooks, job)
            except KeyError:
                continue
            hooks.step_operator_cleanup(job=job)

    def submitted(self, hooks: Any, program: str, *arguments: str, **options: Any) -> str:
        """Submit a Python program as a job of a step of its own."""
        job: str = hooks.step_operator_submit(
            step=options.get("step") or a_step(),
            command=[self.python, "-c", program, *arguments],
            environment=options.get("environment", {}),
            resources=options.get("resources", Resources()),
            image=self.image,
            timeout=options.get("timeout"),
        )
        return job

    def ended(self, hooks: Any, job: str) -> JobStatus:
        """Wait until a job has ended, by asking again and again."""

        def end() -> JobStatus | None:
            status = hooks.step_operator_status(job=job)
            assert isinstance(status, JobStatus), f"a status is a JobStatus, not {status!r}"
            return status if status.ended else None

        return wait_until(end, self.patience, lacking="the job does not end")

    def begun(self, hooks: Any, job: str) -> None:
        """Wait until a job runs, and its program has come far enough to have printed ``begun`` where there is a log."""

        def beginning() -> bool:
            started = hooks.step_operator_status(job=job).state != "queued"
            return started and ("logs" in self.lacking or "begun" in self.printed(hooks, job))

        wait_until(beginning, self.patience, lacking="the job does not begin")

    def printed(self, hooks: Any, job: str, *, follow: bool = False) -> list[str]:
        """The lines of a job's log."""
        lines = hooks.step_operator_logs(job=job, follow=follow)
        assert lines is not None, "there is no log; declare it in lacking['logs']"
        return list(lines)

    def test_a_job_succeeds(self, hooks: Any, submit: Callable[..., str]) -> None:
        status = self.ended(hooks, submit("print('done')"))
        assert status.state == "succeeded", f"the job {status.state}: {status.reason}"
        if "exit_code" not in self.lacking:
            assert status.exit_code == 0, f"its exit code is {status.exit_code}"

    def test_an_ended_job_stays_as_it_ended(self, hooks: Any, submit: Callable[..., str]) -> None:
        job = submit("raise SystemExit(1)")
        first = self.ended(hooks, job)
        hooks.step_operator_cancel(job=job)
        assert hooks.step_operator_status(job=job) == first, (
            "to cancel a job that has ended is no error, and changes nothing"
        )

    def test_a_job_whose_command_fails_has_failed(self, hooks: Any, submit: Callable[..., str]) -> None:
        status = self.ended(hooks, submit("raise SystemExit(7)"))
        assert status.state == "failed", f"a command that ended with exit code 7 {status.state}"
        assert status.reason, "a person is told why"
        if "exit_code" not in self.lacking:
            assert status.exit_code == 7, f"its exit code is {status.exit_code}"

    def test_a_job_that_is_killed_has_failed(self, hooks: Any, submit: Callable[..., str]) -> None:
        status = self.ended(hooks, submit("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
        assert status.state == "failed", f"a command that was killed {status.state}"
        if "exit_code" not in self.lacking:
            assert status.exit_code in (-9, 137), f"its exit code is {status.exit_code}"

    def test_a_command_that_cannot_be_started(self, hooks: Any) -> None:
        """It is refused, or its job fails."""
        arguments = {
            "step": a_step(),
            "environment": {},
            "resources": Resources(),
            "image": self.image,
            "timeout": None,
        }
        try:
            job = hooks.step_operator_submit(command=["/no/such/program"], **arguments)
        except Exception as error:  # noqa: BLE001  the tool's own
            assert str(error), "a person is told why"  # noqa: PT017  what it raises is its own matter
            return
        status = self.ended(hooks, job)
        assert status.state == "failed", f"a command that does not exist {status.state}"
        hooks.step_operator_cleanup(job=job)

    def test_arguments_arrive_as_they_are(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("logs")
        given = ["two words", "", "'\"", "$HOME", "`id`; exit 3", "*", "größe 日本 🦦", "\\n", "-x"]
        job = submit("import sys; print(*map(ascii, sys.argv[1:]), sep='\\n')", *given)
        self.ended(hooks, job)
        found = self.printed(hooks, job)
        assert found == [ascii(argument) for argument in given], f"the command was given {found}"

    def test_the_environment_arrives_as_it_is(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("logs")
        given = {"PLUGBAY_A": "two words; $HOME", "PLUGBAY_B": "größe\n日本", "PLUGBAY_C": ""}
        job = submit(
            "import os; print(*(ascii(os.environ.get(f'PLUGBAY_{n}')) for n in 'ABC'), 'PATH' in os.environ, sep='\\n')",
            environment=given,
        )
        self.ended(hooks, job)
        found = self.printed(hooks, job)
        assert found == [*map(ascii, given.values()), "True"], f"the command was given {found}"

    def test_submitting_returns_before_the_job_ends(self, hooks: Any, submit: Callable[..., str]) -> None:
        job = submit(ENDLESS)
        status = hooks.step_operator_status(job=job)
        assert status.state in ("queued", "running"), f"a job that takes ten minutes has {status.state}"
        self.begun(hooks, job)
        status = hooks.step_operator_status(job=job)
        assert status.state == "running", f"a job whose program has begun is {status.state}"
        assert status.exit_code is None, "a running job has no exit code"

    @pytest.mark.parametrize("program", [ENDLESS, STUBBORN], ids=["willing", "stubborn"])
    def test_a_cancelled_job_ends(self, hooks: Any, submit: Callable[..., str], program: str) -> None:
        job = submit(program)
        self.begun(hooks, job)
        for _ in range(2):
            hooks.step_operator_cancel(job=job)
        status = self.ended(hooks, job)
        assert status.state == "cancelled", f"a cancelled job {status.state}: {status.reason}"

    def test_a_job_can_be_cancelled_at_once(self, hooks: Any, submit: Callable[..., str]) -> None:
        job = submit(ENDLESS)
        hooks.step_operator_cancel(job=job)
        status = self.ended(hooks, job)
        assert status.state == "cancelled", f"a cancelled job {status.state}: {status.reason}"

    def test_the_command_is_told_before_it_is_killed(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("logs")
        job = submit(
            "import signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('told')))\n"
            "print('begun', flush=True)\ntime.sleep(600)"
        )
        self.begun(hooks, job)
        hooks.step_operator_cancel(job=job)
        self.ended(hooks, job)
        assert "told" in self.printed(hooks, job), "SIGTERM did not reach the command before its end"

    def test_processes_that_a_job_started_end_with_it(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("logs")
        child = "import time\nwhile True:\n    print('alive', flush=True)\n    time.sleep(0.05)"
        start = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {child!r}])\ntime.sleep(0.3)\n"
        for program in (f"{start}print('begun', flush=True)\ntime.sleep(600)", start):
            job = submit(program)
            if "600" in program:
                self.begun(hooks, job)
                hooks.step_operator_cancel(job=job)
            self.ended(hooks, job)
            before = len(self.printed(hooks, job))
            time.sleep(0.5)
            assert len(self.printed(hooks, job)) == before, "a process of a job that has ended goes on"

    @pytest.mark.parametrize("job", NO_SUCH_JOBS)
    def test_an_unknown_job_is_a_key_error(self, hooks: Any, job: str) -> None:
        with pytest.raises(KeyError):
            hooks.step_operator_status(job=job)
        if "logs" not in self.lacking:
            with pytest.raises(KeyError):
                hooks.step_operator_logs(job=job, follow=False)
        hooks.step_operator_cancel(job=job)
        hooks.step_operator_cleanup(job=job)

    def test_jobs_are_told_apart(self, hooks: Any, submit: Callable[..., str]) -> None:
        with ThreadPoolExecutor(4) as pool:
            jobs = list(pool.map(lambda number: submit(f"print({number}); raise SystemExit({number} % 2)"), range(8)))
        assert len(set(jobs)) == 8, "an id was given twice"
        states = [self.ended(hooks, job).state for job in jobs]
        assert states == ["succeeded", "failed"] * 4, f"the jobs {states}"
        if "logs" not in self.lacking:
            assert [self.printed(hooks, job) for job in jobs] == [[str(n)] for n in range(8)], "logs are mixed up"

    def test_every_process_knows_a_job(self, component: object, hooks: Any, submit: Callable[..., str]) -> None:
        """Another one sees it, and cancels it."""
        job = submit(ENDLESS)
        self.begun(hooks, job)
        script = [call("step_operator_status", job=job), call("step_operator_cancel", job=job)]
        for asked, cancelled in self.at_once(component, [script, script]):
            error = asked.error or cancelled.error
            assert error is None, f"another process was told {error!r}"
            assert asked.value.state in ("running", "cancelled"), f"another process sees it {asked.value.state}"
        assert self.ended(hooks, job).state == "cancelled", "another process could not cancel it"

    def test_a_job_outlives_the_process_that_submitted_it(self, component: object, hooks: Any) -> None:
        step = a_step()
        program = "import time; print('begun', flush=True); time.sleep(1); print('done')"
        submitted = call(
            "step_operator_submit",
            step=step,
            command=[self.python, "-c", program],
            environment={},
            resources=Resources(),
            image=self.image,
            timeout=None,
        )
        ((outcome,),) = self.at_once(component, [[submitted]])
        assert outcome.error is None, f"{outcome.error}"
        status = self.ended(hooks, outcome.value)
        assert status.state == "succeeded", f"the job {status.state}: {status.reason}"
        if "find" not in self.lacking:
            assert hooks.step_operator_find(step=step) == outcome.value, "the job of an attempt is not found again"
        hooks.step_operator_cleanup(job=outcome.value)

    def test_a_job_is_found_by_its_attempt(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("find")
        steps = [a_step(step="größe.0"), a_step(step="größe.1"), a_step(step="größe.0", attempt=2)]
        jobs = [submit("pass", step=step) for step in steps[:2]]
        found = [hooks.step_operator_find(step=step) for step in steps]
        assert found == [*jobs, None], f"found {found} of {jobs}"

    def test_waiting(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("wait")
        job = submit(ENDLESS)
        before = time.monotonic()
        status = hooks.step_operator_wait(job=job, timeout=0.3)
        assert not status.ended, f"a job that takes ten minutes has {status.state}"
        assert 0.2 < time.monotonic() - before < stretched(10), "it waits as long as it was told"
        quick = submit("pass")
        assert hooks.step_operator_wait(job=quick, timeout=None).state == "succeeded", "it waits for the end"
        with pytest.raises(KeyError):
            hooks.step_operator_wait(job=NO_SUCH_JOBS[0], timeout=1)

    def test_a_log_has_every_line_in_order(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("logs")
        program = "import os\nfor n in range(2000):\n    os.write(1 + n % 2, b'%d\\n' % n)\nos.write(1, b'no end')"
        job = submit(program)
        self.ended(hooks, job)
        found = self.printed(hooks, job)
        assert found == [*map(str, range(2000)), "no end"], f"{len(found)} lines: {found[:3]} ... {found[-3:]}"

    def test_following_a_log_ends_with_the_job(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("logs")
        job = submit("import time\nfor n in range(5):\n    print(n, flush=True)\n    time.sleep(0.1)")
        assert self.printed(hooks, job, follow=True) == list("01234"), "a line was lost"

    def test_a_lost_log_line_is_not_waited_for(self, hooks: Any, submit: Callable[..., str]) -> None:
        """Not following returns what there is of a job that goes on."""
        self.need("logs")
        job = submit(ENDLESS)
        self.begun(hooks, job)
        before = time.monotonic()
        assert self.printed(hooks, job) == ["begun"], "the log of a running job"
        assert time.monotonic() - before < stretched(10), "it was waited for the end of the job"

    def test_a_job_ends_at_its_timeout(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("timeout")
        status = self.ended(hooks, submit(ENDLESS, timeout=1.0))
        assert status.state == "failed", f"a job that took too long {status.state}"
        assert status.reason, "a person is told why"

    def test_memory_is_a_limit(self, hooks: Any, submit: Callable[..., str]) -> None:
        self.need("memory")
        told = hooks.step_operator_capabilities().resources
        assert "memory" in told, f"its capabilities promise {sorted(told)}; declare it in lacking['memory']"
        program = "print(len(bytearray(2_000_000_000)))"
        status = self.ended(hooks, submit(program, resources=Resources(memory=500_000_000)))
        assert status.state == "failed", "a job was given four times the memory it was granted"
        status = self.ended(hooks, submit("pass", resources=Resources(memory=500_000_000)))
        assert status.state == "succeeded", f"a job within its limit {status.state}: {status.reason}"

    def test_cleaning_up_forgets_the_job(self, hooks: Any, submit: Callable[..., str]) -> None:
        job = submit("pass")
        self.ended(hooks, job)
        for _ in range(2):
            hooks.step_operator_cleanup(job=job)
        hooks.step_operator_cancel(job=job)
        with pytest.raises(KeyError):
            hooks.step_operator_status(job=job)


def a_step(step: str = "train", attempt: int = 1) -> StepInfo:
    """An attempt of a step of a new run."""
    return StepInfo(run_id=uuid4().hex, pipeline="contract", step=step, name="train", attempt=attempt)
