"""Compare a process before and after a step, and put back what is not as it was."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

from plugbay.execution.leftovers.interpreter import INTERPRETER, THREADS
from plugbay.execution.leftovers.libraries import LIBRARIES, OF_THE_THREAD
from plugbay.execution.leftovers.loggers import LOGGERS
from plugbay.execution.leftovers.signals import SIGNALS
from plugbay.execution.leftovers.system import SYSTEM
from plugbay.execution.leftovers.thing import Things

_log = logging.getLogger("plugbay")

_OF_ANY_THREAD = (SYSTEM, INTERPRETER, LIBRARIES, OF_THE_THREAD, LOGGERS, THREADS)
_ALL = (SIGNALS, *_OF_ANY_THREAD)
"""Handlers of signals can be set in the main thread alone."""


class NothingLeft:
    """While a step is executed: what it changes in its process is put back at the end.

    What belongs to the whole process is left alone where steps are executed in other threads of it: they may need it.
    """

    def __init__(
        self, alone: Callable[[], bool], left: Callable[[Sequence[str]], None], only: Sequence[Things] = ()
    ) -> None:
        """Ask ``alone`` at the beginning and at the end whether no other thread executes a step.

        :param left: is told what could not be put back.
        :param only: what to look at; everything but the working directory when left out.
        """
        self._alone, self._left, self._only = alone, left, only

    def __enter__(self) -> None:
        """Look."""
        self._was_alone = self._alone()
        self._before = [(thing, thing.read()) for thing in self._things()]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Put back."""
        left: list[str] = []
        alone = self._was_alone and self._alone()
        for things, before in self._before:
            if alone or things is OF_THE_THREAD:
                now = things.read()
                if now != before:
                    left += _put_back(things, before, now)
        if left:
            self._left(left)

    def _things(self) -> Sequence[Things]:
        if not self._was_alone:
            return (OF_THE_THREAD,)
        if self._only:
            return self._only
        in_main = threading.current_thread() is threading.main_thread()
        return _ALL if in_main else _OF_ANY_THREAD


def _put_back(things: Things, before: tuple[Any, ...], now: tuple[Any, ...]) -> list[str]:
    """Put back what differs; return the names of what cannot be."""
    left = []
    for thing, was, found in zip(things.things, before, now, strict=True):
        if was != found:
            try:
                thing.put_back(was)
            except Exception as error:  # noqa: BLE001  the system, or a library, refuses it
                _log.debug("%s: %s: %s", thing.name, type(error).__name__, error)
                left.append(thing.name)
    return left
