"""Asking a run to stop: by a signal, from another thread, or from another process."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from plugbay.execution.descriptors import process as process_descriptors
from plugbay.execution.failures import StepCancelled

_SIGNALS = tuple(number for name in ("SIGINT", "SIGTERM") if (number := getattr(signal, name, None)) is not None)

_ACKNOWLEDGED = "cancelling the run: its steps are being ended; interrupt once more to leave without waiting for them\n"


class Interruption:
    """Whether a run was asked to stop, and how the thread that has to know it is reached."""

    def __init__(self) -> None:
        """Begin with no request."""
        self.requested = False
        self.wake: Callable[[], None] = lambda: None
        """Called when the run is asked to stop; safe to call from a signal handler."""
        self._inline_in_main = False
        self._handling = False
        self._insisting = False

    def request(self) -> None:
        """Ask the run to stop; from any thread."""
        self.requested = True
        self.wake()
        self.insist()

    def insist(self) -> None:
        """Interrupt a step in the main thread (again) once the run was asked to stop; called from other threads.

        An exception that a signal handler raises is lost when it meets a finalizer, and a step may swallow it.
        """
        in_main = threading.current_thread() is threading.main_thread()
        if self.requested and self._inline_in_main and self._handling and not in_main:
            self._insisting = True
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    @contextmanager
    def inline(self) -> Iterator[None]:
        """While a step is executed in this thread: in the main thread a signal is raised in the step itself."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._inline_in_main = True
        try:
            yield
        finally:
            self._inline_in_main = False

    @contextmanager
    def by_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM as requests to stop while in the body; a second one ends the process as usual.

        Only the main thread can; in another one signals are left to the program.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before: dict[int, Any] = {number: signal.getsignal(number) for number in _SIGNALS}
        process = os.getpid()

        def handle(number: int, frame: FrameType | None) -> None:
            if os.getpid() != process:  # a child that a step forked: the run is not its own
                signal.signal(number, before[number] if before[number] is not None else signal.SIG_DFL)
                os.kill(os.getpid(), number)
                return
            insisted, self._insisting = self._insisting, False
            if self.requested and not insisted:
                signal.signal(number, before[number])
                raise KeyboardInterrupt
            first = not self.requested
            self.request()
            if first:
                # In a thread: what writes to the terminal may hold a lock that this thread has.
                threading.Thread(target=process_descriptors.tell, args=(_ACKNOWLEDGED,), daemon=True).start()
            if self._inline_in_main:
                msg = f"the run was cancelled by {signal.Signals(number).name}"
                raise StepCancelled(msg)

        for number in _SIGNALS:
            signal.signal(number, handle)
        self._handling = True
        try:
            yield
        finally:
            self._handling = False
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def as_cancellation() -> Iterator[None]:
    """In a process that executes a step for a run elsewhere: an interrupt from outside cancels the step.

    So that a ``KeyboardInterrupt`` is the step's own. Nothing is changed where interrupts have another handler.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    process = os.getpid()

    def handle(_number: int, _frame: FrameType | None) -> None:
        if os.getpid() != process:
            raise KeyboardInterrupt
        msg = "the step was interrupted by SIGINT"
        raise StepCancelled(msg)

    signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
