"""A process that a step forks ends where the step ends, and leaves what belongs to its parent alone."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import NoReturn

from plugbay.execution.failures import user_traceback


class ChildrenEndHere:
    """While a body is executed: a child process that leaves it ends, as a program ends that has come to its end.

    The child must not go on in the parent's code, which records the step, lets go of locks and drives the run.
    """

    def __enter__(self) -> None:
        """Note which process this is."""
        self._process = os.getpid()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the process when it is another one."""
        if os.getpid() != self._process:
            _end(error)


def _end(error: BaseException | None) -> NoReturn:
    code = 0
    try:
        code = _exit_code(error)
        for thread in threading.enumerate():
            if thread is not threading.current_thread() and not thread.daemon:
                thread.join()  # as Python does at its end
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # it may be closed, or None
                stream.flush()
        os._exit(code)


def _exit_code(error: BaseException | None) -> int:
    if error is None:
        return 0
    if isinstance(error, SystemExit):
        if error.code is None or isinstance(error.code, int):
            return (error.code or 0) & 0xFF
        print(error.code, file=sys.stderr)
        return 1
    print(user_traceback(error), end="", file=sys.stderr)
    return 1
