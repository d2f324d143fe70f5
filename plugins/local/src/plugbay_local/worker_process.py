"""A worker process as the driver sees it: how it is started, spoken to and ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import suppress
from multiprocessing import get_context
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from plugbay_local.worker import serve

if TYPE_CHECKING:
    from multiprocessing.context import SpawnContext

    from plugbay_hookspecs.types.execution import ReadyStep

StartMethod: TypeAlias = Literal["forkserver", "spawn"]

GRACE = 5.0
"""Seconds between the ways of asking a worker to end, each ruder than the one before."""


def import_once(start_method: StartMethod, module: str) -> None:
    """Have a fork server that is about to start import the module that every worker needs.

    It is a module that makes no threads; a step's own libraries may, and are imported by each worker after the fork. A
    server that runs already is left as it is.
    """
    if start_method == "forkserver":
        get_context("forkserver").set_forkserver_preload(["__main__", module])


class WorkerDied(RuntimeError):
    """The process that executed a step ended before the step did."""


class WorkerStartError(RuntimeError):
    """Worker processes cannot start, so no step can be executed in one."""


class WorkerProcess:
    """A worker, the step it executes, and how far its end has got. Its pool guards all but :meth:`send`."""

    def __init__(self, start_method: StartMethod, name: str) -> None:
        context = cast("SpawnContext", get_context(start_method))
        self.connection, theirs = context.Pipe()
        self.step: ReadyStep | None = None
        self.deadline: float | None = None
        """When the next of the signals is due, by the monotonic clock; ``None`` as long as the worker is wanted."""
        self.ready = False
        """Whether it has started and takes payloads."""
        self.hung_up = False
        """Whether the worker closed its end of the connection; it is about to end."""
        self.retired = False
        """Whether it takes no more payloads, and ends as soon as nothing goes on in it."""
        self._signals: list[int] = []
        self._sending = threading.Lock()
        # Not daemonic: a step may start processes of its own.
        self.process = context.Process(target=serve, args=(theirs, dict(os.environ)), name=name, daemon=False)
        try:
            self.process.start()
        except BaseException:
            self.connection.close()
            raise
        finally:
            theirs.close()

    def send(self, request: bytes) -> None:
        """Send a pickled payload; a worker that is gone shows by its end."""
        with self._sending, suppress(OSError):
            self.connection.send_bytes(request)

    def leave(self) -> None:
        """Ask an idle worker to end by itself."""
        self._signals = [signal.SIGKILL, signal.SIGTERM]
        self.deadline = time.monotonic() + GRACE
        self.send(b"")

    def terminate(self) -> None:
        """End the worker whatever it does."""
        self._signals = [signal.SIGKILL, signal.SIGTERM]
        self.escalate()

    def kill(self) -> None:
        """End the worker at once."""
        self._signals = [signal.SIGKILL]
        self.escalate()

    def escalate(self) -> None:
        """Send the next signal to the worker and the processes that its step started."""
        self.deadline = time.monotonic() + GRACE
        if not self._signals or self.process.pid is None:
            return
        number = self._signals.pop()
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            # It did not get as far as making its group, or is gone.
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)

    def reap(self) -> Exception:
        """Release what belonged to a process that has ended; return an error that tells how it ended."""
        self.process.join()
        pid, code = self.process.pid, self.process.exitcode
        self.process.close()
        with self._sending:
            self.connection.close()
        if code and code > 0 and not self.ready and self.deadline is None:
            msg = (
                f"worker process {pid} could not start ({_ending(code)}); what it printed tells why. A worker imports "
                'the script that was started, so a script runs its pipeline under `if __name__ == "__main__":`'
            )
            return WorkerStartError(msg)
        doing = f"while it executed {self.step.info.step!r}" if self.step is not None else "without a step"
        return WorkerDied(f"worker process {pid} {_ending(code)} {doing}")


def _ending(code: int | None) -> str:
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = "; the system does that when memory runs out" if -code == signal.SIGKILL else ""
    return f"was killed by {name}{hint}"
