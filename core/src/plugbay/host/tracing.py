"""A trace of every hook call, for ``PLUGBAY_TRACE=FILE``: which hook, who answered it, when it began and when it ended.

This module is imported only where the variable is set; without it no call passes through any of this.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pluggy
from attrs import define, field

from plugbay.host.summaries import Summaries
from plugbay.host.trace_file import TraceError, TraceFile
from plugbay_hookspecs.types import ComponentInfo

VARIABLE = "PLUGBAY_TRACE"

Event = dict[str, Any]
Who = Callable[[object], Mapping[str, str]]

_ANSWER_IS_SECRET = frozenset({"secrets_manager_get"})
_ARGUMENTS_ARE_SECRET = frozenset({"secrets_manager_create", "secrets_manager_update"})
_log = logging.getLogger("plugbay")


def trace_calls(manager: pluggy.PluginManager, who: Who, plugins: Iterable[object]) -> None:
    """Write every hook call of ``manager`` to the file that the variable names; without one that can be written, warn.

    :param who: tells the component, flavor and distribution of a plugin.
    :param plugins: whose secrets are not to be seen, even where a vendor's error message has one.
    """
    try:
        file = TraceFile(Path(os.environ[VARIABLE]).expanduser(), _process_name())
    except TraceError as error:
        _warn(f"{VARIABLE}: {error}; this process goes on without a trace")
        return
    summaries = _summaries()
    for plugin in plugins:
        summaries.learn_from(plugin)
    calls = _Calls(file, summaries, who)
    manager.add_hookcall_monitoring(calls.began, calls.ended)


def describe(info: ComponentInfo, identity: str) -> Mapping[str, str]:
    """What a trace tells of a component."""
    origin = f"{info.distribution} {info.version}" if info.distribution else "no distribution"
    return {"component": identity, "flavor": info.flavor, "distribution": origin}


@define
class _Thread:
    """The calls that one thread of one process is in."""

    pid: int
    tid: int = field(factory=threading.get_native_id)
    open: list[tuple[object, str]] = field(factory=list)
    """Each with what it is known by, and its name."""


class _Calls:
    """Writes the begin and the end of each call, in whatever thread it is made."""

    def __init__(self, file: TraceFile, summaries: Summaries, who: Who) -> None:
        self._file, self._summaries, self._who = file, summaries, who
        self._local = threading.local()
        self._pid = 0
        self._watched: dict[int, pluggy.HookImpl] = {}

    def began(self, hook: str, called: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]) -> None:
        """Note that a hook is called."""
        for value in arguments.values():
            self._summaries.learn_from(value)
        if hook in _ARGUMENTS_ARE_SECRET:
            self._summaries.learn_all(arguments.get("values"))
        facts: Event = {}
        if len(called) == 1:
            facts.update(self._who(called[0].plugin))
        else:
            facts["components"] = [self._who(each.plugin)["component"] for each in reversed(called)]
            for each in called:
                self._watch(each)
        facts["arguments"] = {name: self._summaries.of(value) for name, value in list(arguments.items())[:12]}
        self._begin(arguments, hook, "hook", facts)

    def ended(
        self, outcome: pluggy.Result[Any], hook: str, _: Sequence[pluggy.HookImpl], arguments: Mapping[str, Any]
    ) -> None:
        """Note that a call is over, and what came of it."""
        error = outcome.exception
        if error is not None:
            self._end(arguments, self._failure(error))
            return
        result = outcome.get_result()
        if hook in _ANSWER_IS_SECRET and result is not None:
            self._summaries.learn_all(result)
            self._end(arguments, {"result": "***"})
        else:
            self._summaries.learn_from(result)
            self._end(arguments, {"result": self._summaries.of(result)})

    def _watch(self, implementation: pluggy.HookImpl) -> None:
        """Note when one of several implementations of a hook runs; wrappers surround others and are only named."""
        if id(implementation) in self._watched or implementation.wrapper or implementation.hookwrapper:
            return
        self._watched[id(implementation)] = implementation
        function, who = implementation.function, self._who(implementation.plugin)

        @wraps(function)
        def watched(*arguments: Any) -> Any:
            call = object()
            self._begin(call, who["component"], "implementation", dict(who))
            try:
                result = function(*arguments)
            except BaseException as error:
                self._end(call, self._failure(error))
                raise
            self._end(call, {"result": self._summaries.of(result)})
            return result

        setattr(implementation, "function", watched)  # noqa: B010  its type calls it final

    def _failure(self, error: BaseException) -> Event:
        return {"error": type(error).__name__, "message": self._summaries.of_error(error)}

    def _begin(self, call: object, name: str, category: str, facts: Event) -> None:
        thread = self._thread()
        thread.open.append((call, name))
        try:
            self._write(thread, ph="B", name=name, cat=category, args=facts)
        except BaseException:  # a signal's, after which nobody would end the call
            self._end(call, {})
            raise

    def _end(self, call: object, facts: Event) -> None:
        """End a call, and first those inside of it that were left without an end."""
        thread = self._thread()
        if not any(open_call is call for open_call, _ in thread.open):
            return  # it began before this process was forked off
        while True:
            open_call, name = thread.open.pop()
            ours = open_call is call
            self._write(thread, ph="E", name=name, args=facts if ours else {})
            if ours:
                return

    def _thread(self) -> _Thread:
        thread: _Thread | None = getattr(self._local, "thread", None)
        pid = os.getpid()
        if thread is None or thread.pid != pid:
            thread = self._local.thread = _Thread(pid)
            if self._pid != pid:
                self._pid = pid
                self._write(thread, ph="M", name="process_name", args={"name": _process_name()})
            self._write(thread, ph="M", name="thread_name", args={"name": threading.current_thread().name})
        return thread

    def _write(self, thread: _Thread, **event: Any) -> None:
        whole = {"pid": thread.pid, "tid": thread.tid, "ts": time.monotonic_ns() / 1000, **event}
        try:
            self._file.write(whole)
        except OSError as error:
            self._file.close()
            _warn(
                f"{VARIABLE}: {self._file.path} cannot be written any more: {error.strerror or error}; "
                "this process goes on without a trace"
            )


@cache
def _summaries() -> Summaries:
    """Those of the process: what one stack has looked up must not be seen in the calls of another."""
    return Summaries()


@cache
def _warn(text: str) -> None:
    """Say it once, and not for each stack that the process builds."""
    _log.warning(text)


def _process_name() -> str:
    """What a person knows the process by; never its arguments, among which a secret may be."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        return str(multiprocessing.current_process().name)
    program = Path(sys.argv[0] if sys.argv else "")
    return (program.parent.name if program.stem == "__main__" else program.stem) or "python"
