"""What the interpreter keeps for all of a process."""

from __future__ import annotations

import builtins
import gc
import os
import sys
import threading
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any

from plugbay.code.project import Project
from plugbay.execution.leftovers.thing import Thing, Things

try:
    from _locale import LC_ALL, setlocale  # what the module locale calls, without importing it
except ImportError:
    from locale import LC_ALL, setlocale

_STREAMS = ("stdin", "stdout", "stderr")
_HOOKS: tuple[tuple[ModuleType, str], ...] = (
    (sys, "excepthook"),
    (sys, "unraisablehook"),
    (sys, "displayhook"),
    (sys, "breakpointhook"),
    (sys, "dont_write_bytecode"),
    (threading, "excepthook"),
    (warnings, "showwarning"),
    (warnings, "formatwarning"),
    (builtins, "print"),
    (builtins, "input"),
    (builtins, "open"),
    (builtins, "__import__"),
)
_NUMBERS: tuple[tuple[Callable[[], Any], Callable[[Any], object], str], ...] = (
    (sys.getrecursionlimit, sys.setrecursionlimit, "the recursion limit"),
    (sys.getswitchinterval, sys.setswitchinterval, "the switch interval"),
    (sys.get_int_max_str_digits, sys.set_int_max_str_digits, "the longest number as text"),
    (sys.gettrace, sys.settrace, "the trace function"),
    (sys.getprofile, sys.setprofile, "the profile function"),
    (threading.stack_size, threading.stack_size, "the stack size of threads"),
)


def _read() -> tuple[Any, ...]:
    modules, streams = sys.modules, [getattr(sys, name) for name in _STREAMS]
    faults, logs = modules.get("faulthandler"), modules.get("logging")
    return (
        (sys.path, tuple(sys.path)),
        (sys.argv, tuple(sys.argv)),
        (sys.meta_path, tuple(sys.meta_path)),
        (sys.path_hooks, tuple(sys.path_hooks)),
        (streams, [getattr(stream, "closed", None) for stream in streams]),
        getattr(logs, "_warnings_showwarning", None) is not None,
        [getattr(module, name) for module, name in _HOOKS],
        (warnings.filters, tuple(warnings.filters)),
        setlocale(LC_ALL, None),
        (gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        faults is not None and faults.is_enabled(),
        *[read() for read, _, _ in _NUMBERS],
    )


def _list(holder: ModuleType, name: str) -> Callable[[Any], None]:
    def put_back(before: tuple[list[Any], tuple[Any, ...]]) -> None:
        before[0][:] = before[1]
        setattr(holder, name, before[0])

    return put_back


_set_filters_themselves = _list(warnings, "filters")


def _set_filters(before: Any) -> None:
    _set_filters_themselves(before)
    with warnings.catch_warnings():  # it makes the module forget what it had derived from other filters
        pass


def _set_streams(before: tuple[list[Any], list[bool | None]]) -> None:
    closed = []
    for name, stream, was_closed in zip(_STREAMS, *before, strict=True):
        setattr(sys, name, stream)
        if not was_closed and getattr(stream, "closed", None):
            closed.append(name)
    if "stdin" in closed:
        sys.stdin = open(os.devnull)  # noqa: PTH123, SIM115  there is nothing to be read any more
        closed.remove("stdin")
    if closed:
        msg = f"{closed} were closed"
        raise OSError(msg)


def _capture_warnings(before: bool) -> None:
    import logging  # a step has imported it

    logging.captureWarnings(before)


def _set_hooks(before: list[Any]) -> None:
    for (module, name), hook in zip(_HOOKS, before, strict=True):
        setattr(module, name, hook)


def _set_collector(before: tuple[bool, tuple[int, int, int], int]) -> None:
    gc.set_threshold(*before[1])
    gc.set_debug(before[2])
    if before[0]:
        gc.enable()
    else:
        gc.disable()


def _set_fault_handler(before: bool) -> None:
    import faulthandler  # as above

    if before:
        faulthandler.enable()
    else:
        faulthandler.disable()


def _wait_for_threads(before: list[threading.Thread]) -> None:
    for thread in set(threading.enumerate()).difference(before):
        if _is_lasting(thread):
            msg = f"{thread.name} goes on"
            raise OSError(msg)


def _is_lasting(thread: threading.Thread) -> bool:
    """Whether it is one of the project that keeps its process alive."""
    if thread.daemon:
        return False
    target = getattr(thread, "function", None) or getattr(thread, "_target", None)
    target = getattr(target, "func", target)  # of a partial
    # Libraries keep threads, as joblib does, to be quicker at the next call.
    project = Project.of_module("__main__")
    return project.owns(type(thread).__module__) or project.owns(getattr(target, "__module__", None))


INTERPRETER = Things(
    _read,
    (
        Thing("sys.path", _list(sys, "path")),
        Thing("sys.argv", _list(sys, "argv")),
        Thing("sys.meta_path", _list(sys, "meta_path")),
        Thing("sys.path_hooks", _list(sys, "path_hooks")),
        Thing("standard streams", _set_streams),
        Thing("warnings that go to logs", _capture_warnings),
        Thing(
            "hooks of sys, threading and warnings, and builtins", _set_hooks
        ),  # after the one above, which is about the same
        Thing("filters of warnings", _set_filters),
        Thing("the locale", lambda before: setlocale(LC_ALL, before)),
        Thing("the garbage collector", _set_collector),
        Thing("the fault handler", _set_fault_handler),
        *[Thing(name, put_back) for _, put_back, name in _NUMBERS],
    ),
)
GOING_ON = "threads that go on"
THREADS = Things(lambda: (threading.enumerate(),), (Thing(GOING_ON, _wait_for_threads),))
"""Nobody can end them."""
