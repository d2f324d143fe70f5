"""Ending a call that takes too long, in the process that makes it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from plugbay.execution.failures import StepCancelled, StepTimeout


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise :class:`StepTimeout` in the body once ``seconds`` have passed, and again when the body goes on.

    In the main thread a timer signal interrupts blocking calls too. In another thread, and where there is no such signal,
    the exception is raised when the interpreter next runs Python code of that thread. A body that has swallowed it, or
    raised something else for it, has timed out all the same.
    """
    message = f"the step took longer than its timeout of {seconds:g} s"
    in_main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    ends = time.monotonic() + seconds
    try:
        with _by_signal(seconds, message) if in_main else _by_thread(seconds):
            yield
    except (StepCancelled, KeyboardInterrupt):
        raise
    except BaseException as error:
        if isinstance(error, StepTimeout) and not error.args:  # raised in a thread, where it can have no message
            raise StepTimeout(message).with_traceback(error.__traceback__) from None
        if isinstance(error, StepTimeout) or time.monotonic() < ends:
            raise
        raise StepTimeout(message) from error
    if time.monotonic() >= ends:
        raise StepTimeout(message)


AGAIN = 5.0
"""Seconds after which a call that has not ended is interrupted again: it may have swallowed the exception."""


@contextmanager
def _by_signal(seconds: float, message: str) -> Iterator[None]:
    over = False

    def expire(_number: int, _frame: FrameType | None) -> None:
        if not over:
            raise StepTimeout(message)

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, expire)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        try:
            yield
        finally:
            over = True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:  # the timer of a step around this one, or of the program
            left = max(left - (time.monotonic() - began), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


@contextmanager
def _by_thread(seconds: float) -> Iterator[None]:
    import ctypes  # only a step with a timeout, outside the main thread, needs it

    thread, set_exception = threading.get_ident(), ctypes.pythonapi.PyThreadState_SetAsyncExc
    over = threading.Event()
    raising = threading.Lock()

    def expire() -> None:
        pause = seconds
        while not over.wait(pause):
            with raising:
                if not over.is_set():
                    set_exception(ctypes.c_ulong(thread), ctypes.py_object(StepTimeout))
            pause = AGAIN

    threading.Thread(target=expire, name="plugbay-timeout", daemon=True).start()
    try:
        try:
            yield
        finally:
            over.set()  # an expiry that comes later finds the body over
    finally:
        over.set()  # the exception may have met the line above
        with raising:
            set_exception(ctypes.c_ulong(thread), None)
