"""The step operator that runs each job in a container of its own."""

from __future__ import annotations

import hashlib
import json
import math
import re
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.job import JobStatus, OperatorCapabilities
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_podman.tool import Tool

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Resources, StepInfo

_is_job = re.compile(r"[0-9a-f]{64}").fullmatch
_ATTEMPT, _TIMEOUT, _CANCELLED = "plugbay.attempt", "plugbay.timeout", "plugbay-cancelled-"
_WAITING = ("created", "configured", "initialized")
_STARTING = 60.0
"""Seconds after which a container that was made and has not started never will."""
_BOTH_STREAMS = ["/bin/sh", "-c", 'exec "$0" "$@" 2>&1']
"""One pipe for both streams: of two, the log would mix up the order."""
_LIMITED = """exec 2>&1
"$@" &
job=$!
trap 'kill -TERM $job' TERM INT HUP
(sleep "$0" && kill -TERM $job) &
limit=$!
while wait $job; code=$?; kill -0 $job; do :; done 2>/dev/null
kill $limit 2>/dev/null
exit $code"""
"""The same, with SIGTERM for the command after as many seconds as the first argument says: podman's own limit is SIGKILL."""


@component
class PodmanStepOperator:
    """Run each step in a container of its own on this machine, with podman."""

    image: str | None = None
    """The image of every job, which has Plugbay and all that steps import; ``None``: the stack's image builder makes it."""
    volumes: tuple[str, ...] = ()
    """What containers see of this machine: `/srv/store:/srv/store`. The directory of a local artifact store must be there."""
    network: str | None = None
    """`host`, `none`, or the name of a network."""
    user: str | None = None
    """Who runs the command in the container: `1000:1000`; ``None``: whom the image names."""
    options: tuple[str, ...] = ()
    """More options of `podman run`: `--device=nvidia.com/gpu=all`."""
    gpus: bool = False
    """Grant devices, as `--device nvidia.com/gpu=N` does; the machine needs NVIDIA's container toolkit."""
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""
    runtime: str | None = None
    """What runs containers: `runc`, `crun`."""
    root: Path | None = None
    """Where images are kept; ``None``: where podman and buildah keep those of the user."""
    runroot: Path | None = None
    """Where the state of the storage is kept; it goes with the machine."""
    driver: str | None = None
    """How layers are stored: `overlay`, `vfs`."""
    command: str = "podman"

    @hookimpl
    def step_operator_capabilities(self) -> OperatorCapabilities:
        resources = {"cpu", "memory", "gpu"} if self.gpus else {"cpu", "memory"}
        return OperatorCapabilities(
            resources=frozenset(resources), image="required" if self.image is None else "unused"
        )

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
        chosen = image or self.image
        if chosen is None or not command:
            what = "no image" if command else "no command"
            msg = f"job of step {step.step!r}: there is {what} to run"
            raise ValueError(msg)
        beyond = resources.names() - self.step_operator_capabilities().resources
        if beyond:
            msg = f"job of step {step.step!r}: {', '.join(sorted(beyond))} cannot be granted to a container"
            raise ValueError(msg)
        name = f"plugbay-{uuid4().hex}"
        options = [f"--label={_ATTEMPT}={_key(step)}", "--init"]
        options += ["--log-driver=k8s-file", f"--stop-timeout={math.ceil(self.grace)}"]
        options += [f"--env={name}={value}" for name, value in environment.items()]
        options += [f"--volume={volume}" for volume in self.volumes]
        options += [f"--network={self.network}"] if self.network is not None else []
        options += [f"--user={self.user}"] if self.user is not None else []
        options += _limits(resources)
        entry, arguments = _BOTH_STREAMS, list(command)
        if timeout is not None:
            limit = math.ceil(timeout)
            options += [f"--timeout={limit + math.ceil(self.grace)}", f"--label={_TIMEOUT}={limit}"]
            entry, arguments = ["/bin/sh", "-c", _LIMITED], [str(limit), *command]
        options += [*self.options, f"--entrypoint={json.dumps(entry)}"]
        try:
            return self._tool.run("run", "--detach", f"--name={name}", *options, chosen, *arguments)
        except OSError:  # a container that was made and cannot start would be found, and wait for ever
            with suppress(KeyError, OSError):
                self._tool.run("rm", "--force", "--ignore", "--volumes", "--time=0", name)
            raise

    @hookimpl
    def step_operator_find(self, step: StepInfo) -> str | None:
        label = f"--filter=label={_ATTEMPT}={_key(step)}"
        found = self._tool.run("ps", "--all", "--no-trunc", "--quiet", "--sort=created", label).split()
        return found[-1] if found else None

    @hookimpl
    def step_operator_status(self, job: str) -> JobStatus:
        return _status(self._inspected(job))

    @hookimpl
    def step_operator_wait(self, job: str, timeout: float | None) -> JobStatus:
        if not _is_job(job):
            raise KeyError(job)
        with suppress(TimeoutExpired):
            self._tool.run("wait", job, timeout=timeout)
        return self.step_operator_status(job)

    @hookimpl
    def step_operator_cancel(self, job: str) -> None:
        with suppress(KeyError):
            found = self._inspected(job)
            if not _status(found).ended and _CANCELLED not in found["Name"]:
                # the name tells every process how the job ended; it must be there before the end
                self._tool.run("rename", job, f"{_CANCELLED}{job[:12]}")
            if not _status(found).ended:
                self._tool.run("stop", job)

    @hookimpl
    def step_operator_logs(self, job: str, follow: bool) -> Iterator[str]:
        self._inspected(job)
        return self._tool.lines("logs", f"--follow={str(follow).lower()}", job)

    @hookimpl
    def step_operator_cleanup(self, job: str) -> None:
        if _is_job(job):
            with suppress(KeyError):
                self._tool.run("rm", "--force", "--ignore", "--volumes", "--time=0", job)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        problems = [
            Problem(message=f"volumes: {volume!r} is none", remedy="write it as /on/this/machine:/in/the/container")
            for volume in self.volumes
            if ":" not in volume
        ]
        if self.grace < 0:
            remedy = "give seconds from 0 on"
            problems.append(Problem(message=f"grace = {self.grace}: a time cannot be negative", remedy=remedy))
        return problems

    @hookimpl
    def component_health(self) -> Health:
        started = time.perf_counter()
        try:
            version = self._tool.run("--version")
        except OSError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=version, latency=time.perf_counter() - started)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"storage": "the user's" if self.root is None else str(self.root)}

    @property
    def _tool(self) -> Tool:
        settings = {"root": self.root, "runroot": self.runroot, "storage-driver": self.driver, "runtime": self.runtime}
        return Tool([self.command, *(f"--{name}={value}" for name, value in settings.items() if value is not None)])

    def _inspected(self, job: str) -> dict[str, Any]:
        if not _is_job(job):
            raise KeyError(job)
        (found,) = json.loads(self._tool.run("container", "inspect", job))
        return dict(found)


def _limits(resources: Resources) -> list[str]:
    options = []
    if resources.cpu is not None:
        options.append(f"--cpus={resources.cpu}")
    if resources.memory is not None:
        options += [f"--memory={resources.memory}b", f"--memory-swap={resources.memory}b"]
    if resources.gpu is not None:
        options += [f"--device=nvidia.com/gpu={number}" for number in range(math.ceil(resources.gpu))]
    return options


def _status(found: Mapping[str, Any]) -> JobStatus:
    state = found["State"]
    if state["Status"] in _WAITING:
        if _CANCELLED in found["Name"]:
            return JobStatus(state="cancelled")
        if time.time() - _moment(found["Created"]).timestamp() < _STARTING:
            return JobStatus(state="queued")
        return JobStatus(state="failed", reason=str(state.get("Error") or "the container was made, and did not start"))
    if state["Status"] not in ("exited", "stopped"):
        return JobStatus(state="running")
    code = int(state["ExitCode"])
    if code < 0:  # podman's own, of a container that it killed at its timeout
        code = -signal.SIGKILL
    if _CANCELLED in found["Name"]:
        return JobStatus(state="cancelled", exit_code=code)
    if code == 0:
        return JobStatus(state="succeeded", exit_code=code)
    return JobStatus(state="failed", exit_code=code, reason=_reason(found, state, code))


def _reason(found: Mapping[str, Any], state: Mapping[str, Any], code: int) -> str:
    if state.get("OOMKilled"):
        return "OOMKilled: it took more memory than it was granted"
    limit = (found["Config"].get("Labels") or {}).get(_TIMEOUT)
    if limit is not None and _took(state) >= float(limit) - 0.5:
        return f"it took longer than its timeout of {limit} s"
    if state.get("Error"):
        return str(state["Error"])
    with suppress(ValueError):
        return f"ended by {signal.Signals(-code if code < 0 else code - 128).name}"
    return f"the command ended with exit code {code}"


def _took(state: Mapping[str, Any]) -> float:
    return (_moment(state["FinishedAt"]) - _moment(state["StartedAt"])).total_seconds()


def _moment(text: str) -> datetime:
    """A time as podman writes it, to the nanosecond."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text))


def _key(step: StepInfo) -> str:
    """What tells an attempt from all others."""
    return hashlib.sha256(json.dumps([step.run_id, step.step, step.attempt]).encode()).hexdigest()[:32]
