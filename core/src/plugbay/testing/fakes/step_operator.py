"""A step operator whose jobs are children of the process that made it."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import JobStatus, OperatorCapabilities, Resources, StepInfo

_PAUSE = 0.01


class Job:
    """A process with what it printed and how it ended."""

    def __init__(self, step: StepInfo, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start the process."""
        self.step, self.printed = step, b""
        self.status = JobStatus(state="running")
        self.ending: JobStatus | None = None
        self.process = subprocess.Popen(  # noqa: S603  the command is the caller's
            list(command),
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.reading = threading.Thread(target=self._read, daemon=True)
        self.reading.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            while chunk := os.read(output.fileno(), 1 << 16):
                self.printed += chunk

    def watch(self, timeout: float | None) -> None:
        """Wait for the end of the process, or end it in time."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout)
        if self.process.returncode is None:
            self.end(JobStatus(state="failed", reason=f"it took longer than {timeout:g} s"))
        code = self.process.wait()
        self.signal(signal.SIGKILL)  # what it started and did not wait for
        self.reading.join()
        self.status = self.ending or JobStatus(
            state="failed" if code else "succeeded", exit_code=code, reason=f"exit code {code}" if code else ""
        )

    def end(self, status: JobStatus, grace: float = 1.0) -> None:
        """Tell the process to end, and kill it when it does not."""
        if self.ending is None and self.process.poll() is None:
            self.ending = status
            self.signal(signal.SIGTERM)
            threading.Timer(grace, self._kill).start()

    def _kill(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGKILL)

    def signal(self, number: int) -> None:
        """Send a signal to the process and all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)


class Jobs:
    """All jobs by id."""

    def __init__(self) -> None:
        """Have no jobs yet."""
        self.found: dict[str, Job] = {}
        self.submitted = 0

    def submit(
        self, step: StepInfo, command: Sequence[str], environment: Mapping[str, str], timeout: float | None
    ) -> str:
        """Start a job."""
        job = Job(step, command, environment)
        self.submitted += 1
        name = f"fake-{self.submitted}"
        self.found[name] = job
        threading.Thread(target=job.watch, args=(timeout,), daemon=True).start()
        return name

    def find(self, step: StepInfo) -> str | None:
        """The newest job of an attempt."""
        return next((name for name, job in reversed(self.found.items()) if job.step == step), None)

    def status(self, job: str) -> JobStatus:
        """How a job is going."""
        return self.found[job].status

    def cancel(self, job: str) -> None:
        """End a job."""
        if job in self.found:
            self.found[job].end(JobStatus(state="cancelled"))

    def printed(self, job: str) -> bytes:
        """What a job has printed."""
        return self.found[job].printed

    def cleanup(self, job: str) -> None:
        """Forget a job."""
        if job in self.found and self.found[job].status.ended:
            del self.found[job]

    def steps(self) -> list[StepInfo]:
        """The attempts that have a job."""
        return [job.step for job in self.found.values()]


@component
class FakeStepOperator:
    """Runs each job as a process, which lives no longer than this one needs it."""

    kept: Any = field(factory=lambda: Shared(Jobs()), repr=False)

    @hookimpl
    def step_operator_capabilities(self) -> OperatorCapabilities:
        return OperatorCapabilities(image="unused")

    @hookimpl
    def step_operator_submit(
        self,
        step: StepInfo,
        command: Sequence[str],
        environment: Mapping[str, str],
        resources: Resources,
        timeout: float | None,
    ) -> str:
        if asked := resources.names():
            msg = f"job of step {step.step!r}: a fake grants no {', '.join(sorted(asked))}"
            raise ValueError(msg)
        job: str = self.kept.submit(step, list(command), dict(environment), timeout)
        return job

    @hookimpl
    def step_operator_find(self, step: StepInfo) -> str | None:
        job: str | None = self.kept.find(step)
        return job

    @hookimpl
    def step_operator_status(self, job: str) -> JobStatus:
        status: JobStatus = self.kept.status(job)
        return status

    @hookimpl
    def step_operator_wait(self, job: str, timeout: float | None) -> JobStatus:
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            status: JobStatus = self.kept.status(job)
            if status.ended or (deadline is not None and time.monotonic() >= deadline):
                return status
            time.sleep(_PAUSE)

    @hookimpl
    def step_operator_cancel(self, job: str) -> None:
        self.kept.cancel(job)

    @hookimpl
    def step_operator_logs(self, job: str, follow: bool) -> Iterator[str]:
        while follow and not self.kept.status(job).ended:
            time.sleep(_PAUSE)
        return iter(self.kept.printed(job).decode("utf-8", "replace").splitlines())

    @hookimpl
    def step_operator_cleanup(self, job: str) -> None:
        self.kept.cleanup(job)
