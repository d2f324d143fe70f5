"""The step operator that runs each job as a job of a Ray cluster."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.job import JobState, JobStatus, OperatorCapabilities
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_ray.job_runner import TIMED_OUT

if TYPE_CHECKING:
    from ray.job_submission import JobDetails, JobSubmissionClient

    from plugbay_hookspecs.types import Resources, StepInfo

_JOB = re.compile(r"plugbay-[0-9a-f]{16}-[0-9a-f]{12}")
_STATES: dict[str, JobState] = {
    "PENDING": "queued",
    "RUNNING": "running",
    "SUCCEEDED": "succeeded",
    "FAILED": "failed",
    "STOPPED": "cancelled",
}
_FIRST_PAUSE, _LAST_PAUSE = 0.05, 1.0


@component
class RayStepOperator:
    """Run each step as a job of a Ray cluster, which outlives the driver."""

    address: str
    """Of the cluster's dashboard, `http://10.0.0.1:8265`."""
    token: Secret | None = None
    """Of a cluster that asks for one; `None`: what Ray finds in `RAY_AUTH_TOKEN` or its own file."""
    python: str = "python"
    """The interpreter of the cluster's machines; `plugbay`, `plugbay-ray` and the stack's distributions are installed in it."""
    resources: tuple[str, ...] = ()
    """The names of resources that nodes were started with, beside `cpu`, `gpu` and `memory`."""
    runtime_env: Mapping[str, Any] = attrs.field(factory=dict)
    """What Ray prepares for a job: `{ pip = ["polars"] }`. The project's code is no part of it: that comes by itself."""
    grace: int = 10
    """Seconds between SIGTERM and SIGKILL."""
    _made: Any = attrs.field(init=False, default=None, repr=False, eq=False)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        problems = []
        if not self.address.startswith(("http://", "https://")):
            problems.append(
                Problem(
                    message=f"address = {self.address!r} is no URL",
                    remedy="give that of the dashboard, as http://10.0.0.1:8265",
                )
            )
        if self.grace < 0:
            problems.append(
                Problem(message=f"grace = {self.grace}: a time cannot be negative", remedy="give seconds from 0 on")
            )
        return problems

    @hookimpl
    def component_health(self) -> Health:
        asked = time.perf_counter()
        version = self._client().get_version()
        return Health(ok=True, detail=f"Jobs API {version}", latency=time.perf_counter() - asked)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"dashboard": self.address}

    @hookimpl
    def step_operator_capabilities(self) -> OperatorCapabilities:
        return OperatorCapabilities(resources=frozenset({"cpu", "gpu", "memory", *self.resources}), image="unused")

    @hookimpl
    def step_operator_submit(
        self,
        step: StepInfo,
        command: Sequence[str],
        environment: Mapping[str, str],
        resources: Resources,
        image: str | None,
        timeout: float | None,
    ) -> str:
        if image is not None:
            msg = f"job of step {step.step!r}: a Ray job runs in no image, and {image} was asked for"
            raise ValueError(msg)
        if not command:
            msg = f"job of step {step.step!r}: there is no command"
            raise ValueError(msg)
        here, *arguments = command
        name = f"{_key(step)}-{uuid4().hex[:12]}"
        work = {
            "marker": name,
            # the path of the driver's own interpreter says nothing about other machines
            "command": [self.python if here == sys.executable else here, *arguments],
            "environment": dict(environment),
            "memory": resources.memory,
            "timeout": timeout,
            "grace": self.grace,
        }
        runtime_env = dict(self.runtime_env)
        runtime_env["env_vars"] = {**runtime_env.get("env_vars", {}), "RAY_JOB_STOP_WAIT_TIME_S": str(self.grace)}
        others = {name: value for name in self.resources if (value := resources.other.get(name)) is not None}
        job: str = self._client().submit_job(
            entrypoint="exec " + shlex.join([self.python, "-m", "plugbay_ray.job_runner", json.dumps(work)]),
            submission_id=name,
            runtime_env=runtime_env,
            metadata={"run": step.run_id, "step": step.step, "attempt": str(step.attempt), "timeout": str(timeout)},
            entrypoint_num_cpus=1 if resources.cpu is None else resources.cpu,
            entrypoint_num_gpus=resources.gpu,
            entrypoint_memory=resources.memory,
            entrypoint_resources=others or None,
        )
        return job

    @hookimpl
    def step_operator_find(self, step: StepInfo) -> str | None:
        key = _key(step)
        found = [job for job in self._client().list_jobs() if (job.submission_id or "").startswith(f"{key}-")]
        return max(found, key=lambda job: job.start_time or 0).submission_id if found else None

    @hookimpl
    def step_operator_status(self, job: str) -> JobStatus:
        return _status(_details(self._client(), job))

    @hookimpl
    def step_operator_wait(self, job: str, timeout: float | None) -> JobStatus:
        client = self._client()
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = _FIRST_PAUSE
        while True:
            status = _status(_details(client, job))
            left = None if deadline is None else deadline - time.monotonic()
            if status.ended or (left is not None and left <= 0):
                return status
            time.sleep(pause if left is None else min(pause, left))
            pause = min(pause * 1.5, _LAST_PAUSE)

    @hookimpl
    def step_operator_cancel(self, job: str) -> None:
        client = self._client()
        try:
            details = _details(client, job)
        except KeyError:
            return
        if not _status(details).ended:
            client.stop_job(job)

    @hookimpl
    def step_operator_logs(self, job: str, follow: bool) -> Iterator[str]:
        client = self._client()
        _details(client, job)
        return _lines(client, job, follow=follow)

    @hookimpl
    def step_operator_cleanup(self, job: str) -> None:
        client = self._client()
        try:
            details = _details(client, job)
        except KeyError:
            return
        if not _status(details).ended:
            msg = f"job {job} is not over; cancel it before it is cleaned up"
            raise RuntimeError(msg)
        client.delete_job(job)

    def _client(self) -> Any:
        if self._made is None:  # it asks for Ray's version twice when it is made
            from ray.job_submission import JobSubmissionClient

            headers = None if self.token is None else {"Authorization": f"Bearer {self.token.reveal()}"}
            self._made = JobSubmissionClient(self.address, headers=headers)
        return self._made


def _key(step: StepInfo) -> str:
    """What the ids of all jobs of an attempt begin with."""
    attempt = json.dumps([step.run_id, step.step, step.attempt])
    return f"plugbay-{hashlib.sha256(attempt.encode()).hexdigest()[:16]}"


def _details(client: JobSubmissionClient, job: str) -> JobDetails:
    """What Ray knows of a job. Raises ``KeyError`` when that is nothing."""
    if not _JOB.fullmatch(job):
        raise KeyError(job)
    try:
        return client.get_job_info(job)
    except RuntimeError as error:
        if "status code 404" in str(error):
            raise KeyError(job) from None
        raise


def _status(details: JobDetails) -> JobStatus:
    state, code = _STATES[details.status.value], details.driver_exit_code
    if state == "succeeded":
        return JobStatus(state=state, exit_code=code)
    if state == "cancelled":
        return JobStatus(state=state)
    reason = (details.message or "").partition("\n")[0]
    if state == "failed" and code is not None:
        reason = f"exit code {code}"
        limit = (details.metadata or {}).get("timeout", "None")
        if code == TIMED_OUT and limit != "None":
            reason = f"took longer than its timeout of {float(limit):g} s"
    return JobStatus(state=state, exit_code=code, reason=reason)


def _lines(client: JobSubmissionClient, job: str, *, follow: bool) -> Iterator[str]:
    """What the command printed: the lines after the runner's first one; each time there is the whole log.

    Ray tells there what it runs, before the runner starts or, when it is late, in the middle of what the command prints.
    """
    entrypoint = re.compile(rf"Running entrypoint for job {job}: .*\n")
    told = 0
    pause = _FIRST_PAUSE
    while True:
        try:
            ended = not follow or _status(_details(client, job)).ended
            text = client.get_job_logs(job)
        except KeyError:  # cleaned up meanwhile
            return
        lines = f"\n{entrypoint.sub('', text)}".partition(f"\n{job}\n")[2].split("\n")
        if not ended or not lines[-1]:
            lines.pop()  # the last one has no end yet
        yield from lines[told:]
        told = max(told, len(lines))
        if ended:
            return
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST_PAUSE)
