"""The typed facade of a step operator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import JobStatus, OperatorCapabilities, Resources, StepInfo


class StepOperator(ToOne):
    """Where single steps run; see :mod:`plugbay_hookspecs.step_operator` for what each call promises."""

    def capabilities(self) -> OperatorCapabilities:
        """What it can do."""
        found: OperatorCapabilities | None = self._value(OperatorCapabilities, "capabilities")
        return found or OperatorCapabilities()

    def submit(
        self,
        step: StepInfo,
        command: Sequence[str],
        environment: Mapping[str, str],
        resources: Resources,
        *,
        image: str | None = None,
        timeout: float | None = None,
    ) -> str:
        """Start a job and return its id."""
        job: str = self._call(
            "submit",
            step=step,
            command=command,
            environment=environment,
            resources=resources,
            image=image,
            timeout=timeout,
        )
        return job

    def find(self, step: StepInfo) -> str | None:
        """The id of the job of an attempt that was submitted before; ``None`` when there is none."""
        job: str | None = self._call("find", step=step)
        return job

    def status(self, job: str) -> JobStatus:
        """How a job is going."""
        found: JobStatus = self._value(JobStatus, "status", job=job)
        return found

    def wait(self, job: str, *, timeout: float | None = None) -> JobStatus | None:
        """Wait for a job to end; ``None`` when the tool cannot wait."""
        found: JobStatus | None = self._value(JobStatus, "wait", job=job, timeout=timeout)
        return found

    def cancel(self, job: str) -> None:
        """End a job."""
        self._call("cancel", job=job)

    def logs(self, job: str, *, follow: bool = False) -> Iterator[str] | None:
        """What a job printed; ``None`` when the tool keeps no log."""
        lines: Iterator[str] | None = self._call("logs", job=job, follow=follow)
        return lines

    def cleanup(self, job: str) -> None:
        """Remove what an ended job left with the tool."""
        self._call("cleanup", job=job)
