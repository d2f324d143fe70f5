"""The step operator that runs each job as a process of its own on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.job import JobStatus, OperatorCapabilities
from plugbay_hookspecs.types.stack import Problem, StackInfo
from plugbay_local.home import user_path
from plugbay_local.processes import supervisor
from plugbay_local.processes.detached import Detached, machine_environment
from plugbay_local.processes.following import lines_of

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Resources, StepInfo

_JOB = re.compile(r"[0-9a-f]{16}-[0-9a-f]{12}")


@component
class ProcessStepOperator:
    """Run each step as a process of its own on this machine, which outlives the driver."""

    directory: Path | None = None
    """Where jobs keep their state and logs; ``None``: ``jobs`` in ``$PLUGBAY_HOME`` or the user's data directory."""
    requirements: tuple[str, ...] = ()
    """What pip installs into a virtual environment in which the jobs' Python runs, made once for each list; empty: the
    interpreter of the driver."""
    inherit: tuple[str, ...] = ()
    """The driver's variables that jobs see beside ``PATH`` and ``HOME``."""
    grace: float = 10.0
    """Seconds between SIGTERM and SIGKILL."""

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        if self.grace < 0:
            return [
                Problem(message=f"grace = {self.grace}: a time cannot be negative", remedy="give seconds from 0 on")
            ]
        return []

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"directory": str(self._root())}

    @hookimpl
    def step_operator_capabilities(self) -> OperatorCapabilities:
        # Cores and devices are not kept from a process here, so they are not granted.
        return OperatorCapabilities(resources=frozenset({"memory"}), image="unused")

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
            msg = f"job of step {step.step!r}: a process of this machine runs in no image, and {image} was asked for"
            raise ValueError(msg)
        beyond = resources.names() - {"memory"}
        if beyond:
            msg = f"job of step {step.step!r}: {', '.join(sorted(beyond))} cannot be granted to a process, only memory"
            raise ValueError(msg)
        if not command:
            msg = f"job of step {step.step!r}: there is no command"
            raise ValueError(msg)
        machine = machine_environment(self.inherit)
        job = f"{_key(step)}-{uuid4().hex[:12]}"
        directory = self._root() / job
        directory.mkdir(parents=True, mode=0o700)
        try:
            supervisor.write(
                directory / "job.json",
                {
                    "step": [step.run_id, step.step, step.attempt],
                    "command": list(command),
                    "environment": {**machine, **environment},
                    "machine": machine,
                    "memory": resources.memory,
                    "timeout": timeout,
                    "grace": self.grace,
                    "directory": str(Path.cwd()),
                    "python": sys.executable,
                    "requirements": list(self.requirements),
                    "venv": str(self._venv()),
                },
            )
            (directory / "log").touch()
            start = [sys.executable, "-I", "-S", supervisor.__file__, str(directory)]
            _supervisor(directory).start(start, machine, directory / "log")
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        return job

    @hookimpl
    def step_operator_find(self, step: StepInfo) -> str | None:
        found = list(self._root().glob(f"{_key(step)}-*/job.json"))
        return max(found, key=lambda path: path.stat().st_mtime_ns).parent.name if found else None

    @hookimpl
    def step_operator_status(self, job: str) -> JobStatus:
        return _status(self._existing(job))

    @hookimpl
    def step_operator_wait(self, job: str, timeout: float | None) -> JobStatus:
        directory = self._existing(job)
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.005
        while True:
            status = _status(directory)
            left = None if deadline is None else deadline - time.monotonic()
            if status.ended or (left is not None and left <= 0):
                return status
            time.sleep(pause if left is None else min(pause, left))
            pause = min(pause * 1.5, 0.25)

    @hookimpl
    def step_operator_cancel(self, job: str) -> None:
        with suppress(KeyError):
            directory = self._existing(job)
            (directory / "cancel").touch()  # for a supervisor that does not listen to signals yet
            _supervisor(directory).signal(signal.SIGTERM)

    @hookimpl
    def step_operator_logs(self, job: str, follow: bool) -> Iterator[str]:
        directory = self._existing(job)
        return lines_of(directory / "log", follows=lambda: follow and not _status(directory).ended)

    @hookimpl
    def step_operator_cleanup(self, job: str) -> None:
        with suppress(KeyError):
            directory = self._existing(job)
            if not _status(directory).ended:
                msg = f"job {job} is not over; cancel it before it is cleaned up"
                raise RuntimeError(msg)
            shutil.rmtree(directory)

    def _root(self) -> Path:
        return self.directory.expanduser().absolute() if self.directory is not None else user_path("jobs")

    def _venv(self) -> Path:
        listed = json.dumps([sys.version, sys.executable, sorted(self.requirements)])
        return self._root() / ".environments" / hashlib.sha256(listed.encode()).hexdigest()[:32]

    def _existing(self, job: str) -> Path:
        directory = self._root() / job
        if not _JOB.fullmatch(job) or not (directory / "job.json").exists():
            raise KeyError(job)
        return directory


def _key(step: StepInfo) -> str:
    """What the ids of all jobs of an attempt begin with."""
    return hashlib.sha256(json.dumps([step.run_id, step.step, step.attempt]).encode()).hexdigest()[:16]


def _supervisor(directory: Path) -> Detached:
    return Detached(directory, "supervisor")


def _status(directory: Path) -> JobStatus:
    lives = _supervisor(directory).lives()  # asked first: the supervisor leaves the end before it goes
    end = _read(directory / "end.json")
    if end is not None:
        return JobStatus(state=end["state"], exit_code=end["exit_code"], reason=end["reason"])
    started = _read(directory / "started.json")
    if lives:
        preparing = started is None and _read(directory / "job.json", {})["requirements"]
        return JobStatus(state="queued" if started is None else "running", reason="makes its venv" if preparing else "")
    if started is None and (directory / "cancel").exists():
        return JobStatus(state="cancelled")
    if started is not None:
        _end_orphans(started)
    reason = "lost: the process that watched over it is gone, killed or ended with the machine"
    return JobStatus(state="failed", reason=reason)


def _end_orphans(started: dict[str, Any]) -> None:
    """End the processes of a job that nobody watches over any more, unless their id belongs to others by now."""
    group, start = started["pid"], supervisor.start_of(started["pid"])
    if start == started["start"] and start is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _read(path: Path, default: Any = None) -> Any:
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        return default
