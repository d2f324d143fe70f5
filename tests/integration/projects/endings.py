"""A step that ends in every way there is."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

from plugbay import current, pipeline, step


class Mine(Exception):
    """An ordinary one of the project."""


class TwoArguments(Exception):
    """Pickles, and cannot be made again from what was pickled."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


class NoText(Exception):
    def __str__(self) -> str:
        raise ValueError("no text")


class NoForm(Exception):
    def __repr__(self) -> str:
        raise ValueError("no form")


class NoPickle(Exception):
    def __reduce__(self) -> str:
        raise TypeError("no pickle")


class ExitsInPickle(Exception):
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return _never, ("x",)


def _never(_text: str) -> object:
    raise LookupError("not to be made again")


class OddNotes(Exception):
    __notes__ = 7  # type: ignore[assignment]


class Endless(BaseException):
    """No Exception."""


def _raise(error: BaseException) -> Callable[[], int]:
    def end() -> int:
        raise error

    return end


def _local_class() -> int:
    class Local(Exception):
        pass

    raise Local("of a function")


def _holds_a_lock() -> int:
    raise Mine("with", threading.Lock())


def _chained() -> int:
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise Mine("outer") from error


def _noted() -> int:
    error = Mine("with a note")
    error.add_note("the note")
    raise error


def _recursion() -> int:
    return 1 + _recursion()


def _cancelled_task() -> int:
    async def main() -> int:
        raise asyncio.CancelledError("mine")

    return asyncio.run(main())


def _of_a_child() -> int:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
        return pool.submit(_raise_mine).result()


def _raise_mine() -> int:
    raise Mine("of a child")


def _of_a_thread() -> int:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_raise_mine).result()


FAILING: dict[str, tuple[Callable[[], int], str, str]] = {
    "mine": (_raise(Mine("x")), "endings.Mine", "x"),
    "no arguments": (_raise(ValueError()), "ValueError", ""),
    "two arguments": (lambda: _raise(TwoArguments("a", "b"))(), "endings.TwoArguments", "a and b"),
    "no text": (lambda: _raise(NoText())(), "endings.NoText", "cannot be shown"),
    "no form": (lambda: _raise(NoForm("x"))(), "endings.NoForm", "x"),
    "no pickle": (lambda: _raise(NoPickle("x"))(), "endings.NoPickle", "x"),
    "no unpickling": (lambda: _raise(ExitsInPickle("x"))(), "endings.ExitsInPickle", "x"),
    "odd notes": (lambda: _raise(OddNotes("x"))(), "endings.OddNotes", "x"),
    "no Exception": (lambda: _raise(Endless("x"))(), "endings.Endless", "x"),
    "class of a function": (_local_class, "endings._local_class.<locals>.Local", "of a function"),
    "lock in the arguments": (_holds_a_lock, "endings.Mine", "with"),
    "chain": (_chained, "endings.Mine", "outer"),
    "note": (_noted, "endings.Mine", "the note"),
    "surrogate": (_raise(ValueError("half \udc80")), "ValueError", "half"),
    "recursion": (_recursion, "RecursionError", "recursion"),
    "memory": (_raise(MemoryError("all gone")), "MemoryError", "all gone"),
    "KeyboardInterrupt": (_raise(KeyboardInterrupt("mine")), "KeyboardInterrupt", "mine"),
    "GeneratorExit": (_raise(GeneratorExit("mine")), "GeneratorExit", "mine"),
    "StopIteration": (_raise(StopIteration("mine")), "StopIteration", "mine"),
    "StopAsyncIteration": (_raise(StopAsyncIteration("mine")), "StopAsyncIteration", "mine"),
    "CancelledError": (_raise(asyncio.CancelledError("mine")), "asyncio.exceptions.CancelledError", "mine"),
    "cancelled task": (_cancelled_task, "asyncio.exceptions.CancelledError", "mine"),
    "group": (_raise(ExceptionGroup("several", [ValueError("one"), Mine("two")])), "ExceptionGroup", "several"),
    "group of all": (_raise(BaseExceptionGroup("all", [KeyboardInterrupt()])), "BaseExceptionGroup", "all"),
    "system's": (lambda: os.stat("/not/there").st_size, "FileNotFoundError", "/not/there"),
    "sys.exit(0)": (lambda: sys.exit(0), "SystemExit", "sys.exit(0)"),
    "sys.exit(3)": (lambda: sys.exit(3), "SystemExit", "sys.exit(3)"),
    "sys.exit()": (lambda: sys.exit(), "SystemExit", "sys.exit()"),
    "sys.exit(text)": (lambda: sys.exit("no data"), "SystemExit", "no data"),
    "of a child": (_of_a_child, "endings.Mine", "of a child"),
    "of a thread": (_of_a_thread, "endings.Mine", "of a child"),
}
"""By name: the end, and what the record says."""


def _forking(in_child: Callable[[], object]) -> Callable[[], int]:
    def end() -> int:
        child = os.fork()
        if not child:
            in_child()
            return 99
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    return end


def _forking_async() -> int:
    async def main() -> int:
        return _forking(lambda: sys.exit(4))()

    return asyncio.run(main())


def _in_finally() -> int:
    child = os.fork()
    try:
        if not child:
            sys.exit(6)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        if not child:
            print("the child's own finally")


def _sleep(started: Any) -> None:
    started.set()
    time.sleep(60)


def _terminated_child() -> int:
    context = multiprocessing.get_context("fork")
    started = context.Event()
    process = context.Process(target=_sleep, args=(started,))
    process.start()
    started.wait()
    process.terminate()
    process.join()
    return process.exitcode or 0


def _failed_child() -> int:
    process = multiprocessing.get_context("fork").Process(target=_raise_mine)
    process.start()
    process.join()
    return process.exitcode or 0


def _left_child() -> int:
    process = multiprocessing.get_context("fork").Process(target=os._exit, args=(5,))
    process.start()
    process.join()
    return process.exitcode or 0


FORKING: dict[str, tuple[Callable[[], int], int]] = {
    "sys.exit(0)": (_forking(lambda: sys.exit(0)), 0),
    "sys.exit()": (_forking(lambda: sys.exit()), 0),
    "sys.exit(3)": (_forking(lambda: sys.exit(3)), 3),
    "sys.exit(text)": (_forking(lambda: sys.exit("child says no")), 1),
    "an exception": (_forking(_raise_mine), 1),
    "KeyboardInterrupt": (_forking(_raise(KeyboardInterrupt())), 1),
    "os._exit(7)": (_forking(lambda: os._exit(7)), 7),
    "return": (_forking(lambda: None), 0),
    "exec": (_forking(lambda: os.execv("/bin/sh", ["sh", "-c", "exit 9"])), 9),
    "in an event loop": (_forking_async, 4),
    "through finally": (_in_finally, 6),
    "terminated": (_terminated_child, -signal.SIGTERM),
    "failed": (_failed_child, 1),
    "left": (_left_child, 5),
}
"""By name: a step whose child ends so, and the child's exit code."""


def _swallow() -> int:
    with contextlib.suppress(Exception):
        time.sleep(30)
    return 1


def _swallow_all() -> int:
    try:
        time.sleep(30)
    except:  # noqa: E722  that is what it shows
        pass
    return 1


def _answer_otherwise() -> int:
    try:
        time.sleep(30)
    except BaseException as error:
        raise Mine("another") from error
    return 1


def _leave_otherwise() -> int:
    try:
        time.sleep(30)
    finally:
        raise Mine("in finally")


def _loop() -> int:
    for _ in range(3000):
        with contextlib.suppress(Exception):
            time.sleep(0.01)
    return 1


def _await() -> int:
    async def main() -> int:
        with contextlib.suppress(Exception):
            await asyncio.sleep(30)
        return 1

    return asyncio.run(main())


LATE: dict[str, Callable[[], int]] = {
    "sleeps": lambda: time.sleep(30) or 1,
    "suppresses Exception": _swallow,
    "suppresses everything": _swallow_all,
    "raises another": _answer_otherwise,
    "raises in finally": _leave_otherwise,
    "loops": _loop,
    "awaits": _await,
}
"""Steps that run over their timeout."""

GONE: dict[str, tuple[Callable[[], object], str]] = {
    "os._exit(0)": (lambda: os._exit(0), "os._exit(0)"),
    "os._exit(3)": (lambda: os._exit(3), "os._exit(3)"),
    "execv": (lambda: os.execv("/bin/true", ["true"]), "os.execv('/bin/true')"),
    "execlp": (lambda: os.execlp("true", "true"), "os.execv"),
    "execve": (lambda: os.execve("/bin/true", ["true"], {}), "os.execve('/bin/true')"),
}
"""What ends the process of a step; and what a step says of it that is executed in the driver."""

KILLED: dict[str, tuple[Callable[[], object], str]] = {
    "SIGKILL": (lambda: os.kill(os.getpid(), signal.SIGKILL), "SIGKILL"),
    "SIGSEGV": (lambda: signal.raise_signal(signal.SIGSEGV), "SIGSEGV"),
    "abort": (os.abort, "SIGABRT"),
    "os._exit(0)": (lambda: os._exit(0), "exit code 0"),
    "os._exit(3)": (lambda: os._exit(3), "exit code 3"),
    "execv": (lambda: os.execv("/bin/true", ["true"]), "exit code 0"),
}
"""What ends a worker process; and what is said of it."""


@step(cache=False)
def fail(kind: str) -> int:
    return FAILING[kind][0]()


@step(cache=False)
def fork(kind: str) -> int:
    return FORKING[kind][0]()


@step(cache=False, timeout=0.3)
def late(kind: str) -> int:
    return LATE[kind]()


@step(cache=False, timeout=0.3, retries=1, retry_delay=0)
def late_once(place: str) -> int:
    if current().attempt == 1:
        _swallow()
    return current().attempt


@step(cache=False)
def leave(kind: str) -> int:
    GONE[kind][0]()
    return 1


@step(cache=False)
def die(kind: str) -> int:
    KILLED[kind][0]()
    return 1


@pipeline(failure="continue")
def failing(kinds: list[str]):
    fail.map(kinds)


@pipeline(failure="continue")
def forking(kinds: list[str]):
    fork.map(kinds)


@pipeline(failure="continue")
def lateness(kinds: list[str]):
    late.map(kinds)


@pipeline
def retried(place: str):
    late_once(place)


@pipeline(failure="continue")
def leaving(kinds: list[str]):
    leave.map(kinds)


@pipeline(failure="continue")
def dying(kinds: list[str]):
    die.map(kinds)


@pipeline(failure="continue")
def failing_as_jobs(kinds: list[str]):
    fail.with_options(operator="jobs").map(kinds)


@pipeline
def one(kind: str):
    fail(kind)
