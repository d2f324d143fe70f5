"""The processes beside a Dask worker that execute steps.

A task is a thread of its worker, which nothing can end; a step is cancelled, overruns its timeout, crashes. So each thread
has the step executed by a process, which is kept for the next step.
"""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection

from plugbay_dask.step_server import RETURNED

_GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""


class StepProcess:
    """One process, in a session of its own, so that it is ended with the processes it started."""

    def __init__(self) -> None:
        """Start it."""
        ours, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        arguments = [str(theirs.fileno()), str(lifeline)]
        self._process = subprocess.Popen(  # noqa: S603  nothing in it comes from outside
            [sys.executable, "-m", "plugbay_dask.step_server", *arguments],
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(), lifeline),
            start_new_session=True,
        )
        theirs.close()
        os.close(lifeline)
        self._connection = Connection(ours.detach())

    def ask(self, request: bytes) -> bytes | None:
        """Send a request and wait for the reply; ``None`` when the process has ended."""
        try:
            self._connection.send_bytes(request)
            return self._connection.recv_bytes()
        except (EOFError, OSError):
            return None

    def end(self) -> None:
        """Ask the process to end, and kill what does not."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        overdue = threading.Timer(_GRACE, self._kill)
        overdue.daemon = True
        overdue.start()

    def _kill(self) -> None:
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def reap(self) -> int:
        """Release what the ended process held; return its exit code, negative for a signal."""
        self._connection.close()
        os.close(self._lifeline)
        return self._process.wait()


class StepProcesses:
    """The processes of one worker."""

    def __init__(self) -> None:
        self._idle: list[StepProcess] = []
        self._busy: dict[str, StepProcess] = {}
        self._cancelled: set[str] = set()
        self._lock = threading.Lock()

    def execute(self, key: str, request: bytes) -> bytes:
        """Execute the task ``key``; see :func:`plugbay_dask.tasks.execute`."""
        reply = None
        while reply is None:
            process, kept = self._take(key)
            reply = process.ask(request)
            with self._lock:
                del self._busy[key]
                cancelled = key in self._cancelled
                if reply is not None and not cancelled:
                    self._idle.append(process)
                self._cancelled.discard(key)
            if reply is None or cancelled:
                code = process.reap()
                if cancelled or code or not kept:  # else it had retired before the request came
                    raise ChildProcessError(_ending(code))
        if reply.startswith(RETURNED):
            return reply[len(RETURNED) :]
        error = pickle.loads(reply[1:])  # noqa: S301  it comes from a process that this one started
        assert isinstance(error, BaseException)
        raise error

    def end(self, key: str) -> None:
        """End the process that executes the task ``key``, now or as soon as there is one."""
        with self._lock:
            self._cancelled.add(key)
            process = self._busy.get(key)
        if process is not None:
            process.end()

    def _take(self, key: str) -> tuple[StepProcess, bool]:
        """A process for the task, and whether it has served before."""
        with self._lock:
            if key in self._cancelled:
                self._cancelled.discard(key)
                msg = "the step was cancelled before it began"
                raise ChildProcessError(msg)
            kept = bool(self._idle)
            process = self._idle.pop() if kept else StepProcess()
            self._busy[key] = process
            return process, kept


def _ending(code: int) -> str:
    if code >= 0:
        return f"the step's process exited with {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"the step's process was ended by {name}"


step_processes = StepProcesses()
"""Those of the worker that has imported this module."""
