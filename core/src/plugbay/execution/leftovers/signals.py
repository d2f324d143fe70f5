"""What interrupts the main thread of a process."""

from __future__ import annotations

import signal
import time
from typing import Any

from plugbay.execution.leftovers.thing import Thing, Things

try:
    from _signal import getsignal  # type: ignore[import-not-found]  # without making an enum of each answer
except ImportError:
    from signal import getsignal

_NUMBERS = tuple(
    sorted(number for number in map(int, signal.valid_signals()) if number < signal.NSIG and number not in (32, 33))
)
_CLOCKS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF) if hasattr(signal, "setitimer") else ()


class _Timers:
    """The timers at a moment; one that was running goes on as if nobody had touched it."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self._at, self._found = time.monotonic(), [signal.getitimer(clock) for clock in _CLOCKS]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Timers) and self._running() == other._running()

    def _running(self) -> list[bool]:
        return [left > 0 for left, _ in self._found]

    def set(self) -> None:
        passed = time.monotonic() - self._at
        for clock, (left, interval) in zip(_CLOCKS, self._found, strict=True):
            signal.setitimer(clock, max(left - passed, 1e-3) if left else 0, interval)


def _set_handlers(before: list[Any]) -> None:
    for number, handler in zip(_NUMBERS, before, strict=True):
        if handler is not None and getsignal(number) != handler:  # else it is none of Python's
            signal.signal(number, handler)


def _wakeup() -> int:
    descriptor = signal.set_wakeup_fd(-1)
    if descriptor != -1:
        signal.set_wakeup_fd(descriptor)
    return descriptor


def _read() -> tuple[Any, ...]:
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ()) if hasattr(signal, "pthread_sigmask") else set()
    return _Timers(), [getsignal(number) for number in _NUMBERS], blocked, _wakeup()


SIGNALS = Things(
    _read,
    (
        Thing("timers", _Timers.set),  # first: none may fire once its handler is gone
        Thing("signal handlers", _set_handlers),
        Thing("blocked signals", lambda before: signal.pthread_sigmask(signal.SIG_SETMASK, before)),
        Thing("the wakeup descriptor", signal.set_wakeup_fd),
    ),
)
