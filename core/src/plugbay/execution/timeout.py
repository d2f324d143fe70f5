"""Ending a call that takes too long, in the process that makes it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from plugbay.execution.failures import StepTimeout


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`StepTimeout` in the body once ``seconds`` have passed.

    In the main thread a timer signal interrupts blocking calls too. In another thread, and where there is no such signal,
    the exception is raised when the interpreter next runs Python code of that thread.
    """
    if threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer"):
        with _by_signal(seconds):
            yield
    else:
        with _by_thread(seconds):
            yield


AGAIN = 5.0
"""Seconds after which a call that has not ended is interrupted again: it may have swallowed the exception."""


def _message(seconds: float) -> str:
    return f"the step took longer than its timeout of {seconds:g} s"


@contextmanager
def _by_signal(seconds: float) -> Iterator[None]:
    def expire(_number: int, _frame: FrameType | None) -> None:
        raise StepTimeout(_message(seconds))

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    thread = threading.get_ident()
    over = threading.Lock()

    def expire() -> None:
        if over.acquire(blocking=False):
            import ctypes  # only a step with a timeout, outside the main thread, needs it

            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(StepTimeout))

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        yield
    except StepTimeout as error:
        if error.args:
            raise
        raise StepTimeout(_message(seconds)) from None
    finally:
        timer.cancel()
        over.acquire(blocking=False)  # an expiry that comes later finds the body over
