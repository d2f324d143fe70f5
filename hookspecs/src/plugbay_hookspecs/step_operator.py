"""Hooks of a step operator: where single steps run that need more than the orchestrator's machine.

A stack has any number; a step names the one that runs it, and the only one is the default. A *job* is one attempt of one
step, known by an id with which the component finds it from any process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import JobStatus, OperatorCapabilities, Resources, StepInfo


@hookspec(firstresult=True)
def step_operator_capabilities() -> OperatorCapabilities:
    """Tell what the operator can do.

    Called in the driver at plan time, without the component being started; no I/O. A plan that needs more is refused
    with the reason. ``None`` stands for ``OperatorCapabilities()``.

    .. code-block:: python

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import OperatorCapabilities


        @component
        class Slurm:
            '''Runs steps as jobs of a Slurm cluster, whose machines have the requirements installed.'''

            gpus: bool = False

            @hookimpl
            def step_operator_capabilities(self) -> OperatorCapabilities:
                resources = {"cpu", "memory", "gpu"} if self.gpus else {"cpu", "memory"}
                return OperatorCapabilities(resources=frozenset(resources), image="unused")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def step_operator_submit(
    step: StepInfo,
    command: Sequence[str],
    environment: Mapping[str, str],
    resources: Resources,
    image: str | None,
    timeout: float | None,
) -> str:
    """Start a job and return at once.

    Called in the driver, once for each attempt. The command reaches the artifact store by itself and leaves its record
    there; all that the operator does is to run it. Raises when the job was not taken; then there is none.

    :param command: a list of arguments, to be run without a shell, or quoted for one.
    :param environment: variables that the command needs beside those of the machine; no secret is among them.
    :param resources: what the job is granted: limits, not wishes. Memory is in bytes.
    :param image: the reference of the container image to run in; ``None`` for an operator that uses none.
    :param timeout: seconds after which the tool ends the job, if it can; the host cancels it too.
    :returns: the job's id.

    .. code-block:: python

        import subprocess
        from collections.abc import Mapping, Sequence

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Resources, StepInfo


        @component
        class Podman:
            '''Runs each step in a container of its own on this machine.'''

            image: str = "docker.io/library/python:3.11"

            @hookimpl
            def step_operator_submit(
                self,
                step: StepInfo,
                command: Sequence[str],
                environment: Mapping[str, str],
                resources: Resources,
                image: str | None,
            ) -> str:
                options = [f"--env={name}={value}" for name, value in environment.items()]
                if resources.cpu is not None:
                    options.append(f"--cpus={resources.cpu}")
                if resources.memory is not None:
                    options.append(f"--memory={resources.memory}b")
                name = f"--name={step.run_id}-{step.step}-{step.attempt}"
                start = ["podman", "run", "--detach", name, *options, image or self.image, *command]
                return subprocess.run(start, check=True, capture_output=True, text=True).stdout.strip()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def step_operator_find(step: StepInfo) -> str | None:
    """Look up the job of an attempt that a driver submitted which is gone.

    Called in the driver when a run is resumed, for an attempt without a record: a job that is found is waited for
    instead of being started twice.

    :returns: the job's id; ``None`` when there is none, or the tool cannot tell.

    .. code-block:: python

        import subprocess

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Slurm:
            '''Finds jobs of a Slurm cluster by the names that they were submitted with.'''

            @hookimpl
            def step_operator_find(self, step: StepInfo) -> str | None:
                name = f"{step.run_id}-{step.step}-{step.attempt}"
                question = ["squeue", "--noheader", "--format=%i", f"--name={name}"]
                jobs = subprocess.run(question, check=True, capture_output=True, text=True).stdout.split()
                return jobs[0] if jobs else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def step_operator_status(job: str) -> JobStatus:
    """Tell how a job is going.

    Called in any process that has the stack; in the driver every few seconds. Raises ``KeyError`` for a job that the
    tool does not know (any more), another exception when it could not be asked, which the host tries again.

    :returns: its state, and once it has ended how.

    .. code-block:: python

        import json
        import subprocess

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import JobStatus


        @component
        class Podman:
            '''Runs each step in a container of its own on this machine.'''

            @hookimpl
            def step_operator_status(self, job: str) -> JobStatus:
                question = ["podman", "container", "inspect", "--format={{json .State}}", job]
                answer = subprocess.run(question, capture_output=True, text=True, check=False)
                if answer.returncode:
                    raise KeyError(job)
                state = json.loads(answer.stdout)
                if state["Status"] in ("created", "configured", "initialized"):
                    return JobStatus(state="queued")
                if state["Running"]:
                    return JobStatus(state="running")
                reason = "ran out of memory" if state["OOMKilled"] else state.get("Error", "")
                code = int(state["ExitCode"])
                return JobStatus(state="failed" if code else "succeeded", exit_code=code, reason=reason)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def step_operator_wait(job: str, timeout: float | None) -> JobStatus:
    """Wait for a job to end.

    Called in the driver, in a thread for each job. Raises as :func:`step_operator_status` does.

    :param timeout: seconds to wait at most; ``None`` for as long as it takes.
    :returns: its status when it has ended or the time is over, whichever is first; ``None`` when the tool cannot wait,
        and the host asks for the status again and again.

    .. code-block:: python

        import os
        import subprocess
        from collections.abc import Mapping, Sequence

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import JobStatus


        @component
        class Processes:
            '''Runs each step as a process of this machine, which ends with the driver.'''

            _running: dict[str, subprocess.Popen[bytes]] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def step_operator_submit(self, command: Sequence[str], environment: Mapping[str, str]) -> str:
                process = subprocess.Popen(command, env={**os.environ, **environment})
                self._running[str(process.pid)] = process
                return str(process.pid)

            @hookimpl
            def step_operator_wait(self, job: str, timeout: float | None) -> JobStatus:
                try:
                    code = self._running[job].wait(timeout)
                except subprocess.TimeoutExpired:
                    return JobStatus(state="running")
                return JobStatus(state="failed" if code else "succeeded", exit_code=code)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def step_operator_cancel(job: str) -> None:
    """End a job.

    Called in any process that has the stack. Idempotent: a job that has ended, or is not known any more, is no error.
    The command is told first (SIGTERM) and killed when it has not ended after the tool's time of grace. Returns when the
    tool has taken the request; the job's status tells when it has ended.

    .. code-block:: python

        import subprocess

        from plugbay_hookspecs import component, hookimpl


        @component
        class Slurm:
            '''Runs steps as jobs of a Slurm cluster; scancel takes the id of a job that has ended, too.'''

            @hookimpl
            def step_operator_cancel(self, job: str) -> None:
                subprocess.run(["scancel", job], check=True, capture_output=True)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def step_operator_logs(job: str, follow: bool) -> Iterator[str]:
    """Read what a job printed, also before the worker started and after it was lost.

    Called in any process that has the stack. Raises ``KeyError`` for a job that the tool does not know.

    :param follow: go on until the job has ended.
    :returns: lines without their line ends; ``None`` when the tool keeps no log.

    .. code-block:: python

        import subprocess
        from collections.abc import Iterator

        from plugbay_hookspecs import component, hookimpl


        @component
        class Podman:
            '''Runs each step in a container of its own on this machine.'''

            @hookimpl
            def step_operator_logs(self, job: str, follow: bool) -> Iterator[str]:
                if subprocess.run(["podman", "container", "exists", job], check=False).returncode:
                    raise KeyError(job)
                read = ["podman", "logs", f"--follow={str(follow).lower()}", job]
                return self._lines(read)

            def _lines(self, read: list[str]) -> Iterator[str]:
                with subprocess.Popen(read, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as log:
                    for line in log.stdout or ():
                        yield line.rstrip()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def step_operator_cleanup(job: str) -> None:
    """Remove what an ended job left with the tool: a container, a script, a volume.

    Called in the driver after the job's record and log were read. Idempotent. An exception is reported and does not
    fail the attempt.

    .. code-block:: python

        import subprocess

        from plugbay_hookspecs import component, hookimpl


        @component
        class Podman:
            '''Runs each step in a container of its own on this machine.'''

            @hookimpl
            def step_operator_cleanup(self, job: str) -> None:
                subprocess.run(["podman", "rm", "--force", "--ignore", job], check=True, capture_output=True)

    .. versionadded:: 0.1
    """
    raise NotImplementedError
