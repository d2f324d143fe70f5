"""A step that is executed in the driver's process cannot end it unnoticed: the run would be over, and look as if it had succeeded."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, ClassVar, NoReturn

from plugbay.execution.failures import StepExited

_ENDING = ("_exit", "execv", "execve")
"""The functions of ``os`` that end or replace the process at once; every other ``exec`` function calls one of these."""


class ExitsFail:
    """While a step is executed in this thread: what would end the process at once fails the step instead.

    In another thread of the process it is let through, but not with the exit code of success. Child processes end as
    they like.
    """

    _lock = threading.Lock()
    _threads: ClassVar[list[int]] = []
    """Those that execute steps, as often as they do."""
    _ours: ClassVar[dict[str, Callable[..., NoReturn]]] = {}
    _theirs: ClassVar[dict[str, Callable[..., Any]]] = {}

    def __enter__(self) -> None:
        """Stand in for the functions that end the process."""
        with self._lock:
            self._threads.append(threading.get_ident())
            if len(self._threads) == 1:
                process = os.getpid()
                for name in _ENDING:
                    function = self._theirs[name] = getattr(os, name)
                    self._ours[name] = _stand_in(name, function, process, self._threads)
                    setattr(os, name, self._ours[name])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of them once no step is executed any more."""
        with self._lock:
            self._threads.remove(threading.get_ident())
            if not self._threads:
                for name in _ENDING:
                    if getattr(os, name) is self._ours[name]:  # else somebody else has replaced it meanwhile
                        setattr(os, name, self._theirs[name])


def _stand_in(name: str, function: Callable[..., Any], process: int, threads: list[int]) -> Callable[..., NoReturn]:
    def end(*arguments: Any, **named: Any) -> NoReturn:
        if os.getpid() == process and threads:
            what = f"os.{name}({arguments[0]!r})" if arguments else f"os.{name}()"
            if threading.get_ident() in threads:
                msg = f"the step called {what}, which would have ended the process that drives the run; raise an exception instead"
                raise StepExited(msg)
            if name == "_exit" and not any((*arguments, *named.values())):
                print(
                    f"a thread called {what} while a step was executed: the run is interrupted",
                    file=sys.stderr,
                    flush=True,
                )
                arguments, named = (1,), {}
        function(*arguments, **named)
        raise AssertionError

    return end
