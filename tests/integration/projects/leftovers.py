"""Steps that change what belongs to their process, and steps that look at it."""

import asyncio
import builtins
import csv
import decimal
import faulthandler
import gc
import json
import locale
import logging
import multiprocessing
import os
import random
import resource
import shutil
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
import urllib.request
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from plugbay import pipeline, step

logging.getLogger("leftovers.before").setLevel(logging.ERROR)


def _removed_directory() -> None:
    place = tempfile.mkdtemp()
    os.chdir(place)
    shutil.rmtree(place)


def _environment(**changes: str | None) -> Callable[[], None]:
    def change() -> None:
        for name, value in changes.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value

    return change


def _replaced_environment() -> None:
    os.environ = {"A": "b"}  # type: ignore[assignment]  # noqa: B003


def _time_zone() -> None:
    os.environ["TZ"] = "Asia/Tokyo"
    time.tzset()
    del os.environ["TZ"]


def _handler(*_: object) -> None:
    pass


def _block() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2, signal.SIGALRM})


def _wake() -> None:
    _, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.detach())


def _root_logger() -> None:
    logging.basicConfig(level=logging.DEBUG, force=True)


def _own_logger() -> None:
    logger = logging.getLogger("train")
    logger.addHandler(logging.StreamHandler())
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


def _loggers() -> Any:
    found = []
    for name in ("", "train", "leftovers.before"):
        logger = logging.getLogger(name)
        handlers = [type(handler).__name__ for handler in logger.handlers]
        found.append((logger.level, handlers, logger.propagate, logger.disabled))
    return found, logging.root.manager.disable


def _filters() -> Any:
    return [str(item[:3]) for item in warnings.filters]


def _decimals() -> Any:
    return decimal.getcontext().prec, decimal.getcontext().traps[decimal.Inexact], decimal.DefaultContext.prec


def _decimal_context() -> None:
    decimal.getcontext().prec = 3
    decimal.getcontext().traps[decimal.Inexact] = True
    decimal.DefaultContext.prec = 4


def _close_input() -> None:
    sys.stdin.close()


def _replace_streams() -> None:
    sys.stdout = sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def _streams() -> Any:
    return [type(stream).__module__ for stream in (sys.stdin, sys.stdout, sys.stderr)], sys.stdout.closed


def _limits() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, 128), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _setting(module: Any, name: str, value: object) -> tuple[Callable[[], object], Callable[[], object]]:
    return lambda: setattr(module, name, value), lambda: repr(getattr(module, name))


class _Logger(logging.Logger):
    pass


def _options_of_pandas() -> None:
    pd.options.display.max_rows = 3
    pd.options.mode.sim_interactive = True


def _settings_of_matplotlib() -> None:
    import matplotlib as mpl

    mpl.rcParams["lines.linewidth"] = 9


def _line_width() -> float:
    import matplotlib as mpl

    return float(mpl.rcParams["lines.linewidth"])


_pinned = min(os.sched_getaffinity(0))

DIRT: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "directory": (lambda: os.chdir("/"), os.getcwd),
    "print": _setting(builtins, "print", print.__call__),
    "input": _setting(builtins, "input", str),
    "finders": (lambda: sys.meta_path.append(_handler), lambda: len(sys.meta_path)),
    "class of loggers": (lambda: logging.setLoggerClass(_Logger), lambda: logging.getLoggerClass().__name__),
    "errors of loggers": (lambda: setattr(logging, "raiseExceptions", False), lambda: logging.raiseExceptions),
    "options of pandas": (_options_of_pandas, lambda: (pd.options.display.max_rows, pd.options.mode.sim_interactive)),
    "settings of matplotlib": (_settings_of_matplotlib, _line_width),
    "removed directory": (_removed_directory, os.getcwd),
    "variable set": (_environment(LEFT="1"), lambda: os.environ.get("LEFT")),
    "variable changed": (_environment(PATH="/nowhere"), lambda: os.environ["PATH"]),
    "variable deleted": (_environment(HOME=None), lambda: os.environ.get("HOME")),
    "variables cleared": (lambda: os.environ.clear(), lambda: dict(os.environ)),
    "variables of children": (_environment(LEFT="1"), lambda: os.popen("echo $LEFT").read()),
    "environment replaced": (_replaced_environment, lambda: (type(os.environ).__name__, len(os.environ))),
    "umask": (lambda: os.umask(0o007), lambda: (os.umask(0o022), os.umask(0o022))[0]),
    "time zone": (_time_zone, lambda: (time.tzname, time.localtime(0).tm_hour)),
    "priority": (lambda: os.nice(3), lambda: os.getpriority(os.PRIO_PROCESS, 0)),
    "affinity": (lambda: os.sched_setaffinity(0, {_pinned}), lambda: sorted(os.sched_getaffinity(0))),
    "limits": (_limits, lambda: [resource.getrlimit(number) for number in range(8)]),
    "SIGTERM ignored": (lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN), lambda: _shown(signal.SIGTERM)),
    "SIGUSR1 handled": (lambda: signal.signal(signal.SIGUSR1, _handler), lambda: _shown(signal.SIGUSR1)),
    "SIGALRM handled": (lambda: signal.signal(signal.SIGALRM, _handler), lambda: _shown(signal.SIGALRM)),
    "alarm": (
        lambda: (signal.signal(signal.SIGALRM, _handler), signal.alarm(1000)),
        lambda: signal.getitimer(0)[0] > 500,
    ),
    "timer": (lambda: signal.setitimer(signal.ITIMER_PROF, 1000), lambda: signal.getitimer(signal.ITIMER_PROF)[0] > 0),
    "signals blocked": (_block, lambda: sorted(map(int, signal.pthread_sigmask(signal.SIG_BLOCK, ())))),
    "wakeup descriptor": (_wake, lambda: signal.set_wakeup_fd(-1)),
    "filters of warnings": (lambda: warnings.simplefilter("error"), _filters),
    "filters reset": (lambda: warnings.resetwarnings(), _filters),
    "filters replaced": (lambda: setattr(warnings, "filters", []), _filters),
    "showwarning": _setting(warnings, "showwarning", _handler),
    "warnings to logs": (lambda: logging.captureWarnings(True), lambda: repr(warnings.showwarning)),
    "root logger": (_root_logger, _loggers),
    "logger of the project": (_own_logger, _loggers),
    "logger known before": (lambda: logging.getLogger("leftovers.before").setLevel(1), _loggers),
    "logging disabled": (lambda: logging.disable(logging.CRITICAL), _loggers),
    "handlers removed": (lambda: logging.root.handlers.clear(), _loggers),
    "closed input": (_close_input, lambda: sys.stdin.closed),
    "closed output": (lambda: sys.stdout.close(), lambda: print("heard", flush=True)),
    "replaced streams": (_replace_streams, _streams),
    "no streams": (lambda: setattr(sys, "stdout", None), _streams),
    "locale": (lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8"), lambda: locale.setlocale(locale.LC_ALL)),
    "numpy errors": (lambda: np.seterr(all="raise"), np.geterr),
    "numpy printing": (lambda: np.set_printoptions(precision=1), lambda: np.get_printoptions()["precision"]),
    "decimal context": (_decimal_context, _decimals),
    "sys.path": (lambda: sys.path.insert(0, "/nowhere"), lambda: list(sys.path)),
    "sys.path replaced": (lambda: setattr(sys, "path", ["/nowhere", *sys.path]), lambda: list(sys.path)),
    "sys.argv": (lambda: sys.argv.append("--fast"), lambda: list(sys.argv)),
    "recursion limit": (lambda: sys.setrecursionlimit(5000), sys.getrecursionlimit),
    "switch interval": (lambda: sys.setswitchinterval(0.5), sys.getswitchinterval),
    "digits": (lambda: sys.set_int_max_str_digits(0), sys.get_int_max_str_digits),
    "trace": (lambda: sys.settrace(lambda *_: None), lambda: repr(sys.gettrace())),
    "profile": (lambda: sys.setprofile(lambda *_: None), lambda: repr(sys.getprofile())),
    "sys.excepthook": _setting(sys, "excepthook", _handler),
    "threading.excepthook": _setting(threading, "excepthook", _handler),
    "unraisable hook": _setting(sys, "unraisablehook", _handler),
    "collector": (lambda: gc.disable(), gc.isenabled),
    "threshold": (lambda: gc.set_threshold(7), gc.get_threshold),
    "fault handler": (
        lambda: faulthandler.disable() if faulthandler.is_enabled() else faulthandler.enable(file=2),
        faulthandler.is_enabled,
    ),
    "socket timeout": (lambda: socket.setdefaulttimeout(0.5), socket.getdefaulttimeout),
    "temporary directory": _setting(tempfile, "tempdir", "/nowhere"),
    "longest field": (lambda: csv.field_size_limit(10), csv.field_size_limit),
    "certificates": _setting(ssl, "_create_default_https_context", ssl._create_unverified_context),
    "opener": (
        lambda: urllib.request.install_opener(urllib.request.build_opener()),
        lambda: repr(urllib.request._opener),
    ),
    "start method": (
        lambda: multiprocessing.set_start_method("spawn", force=True),
        lambda: multiprocessing.get_start_method(allow_none=True),
    ),
    "policy of event loops": (
        lambda: asyncio.set_event_loop_policy(asyncio.DefaultEventLoopPolicy()),
        lambda: repr(asyncio.events._event_loop_policy),
    ),
    "stack size": (lambda: threading.stack_size(1 << 20), threading.stack_size),
}
"""By name: what changes it, and what looks at it."""


def _shown(number: int) -> str:
    return str(signal.getsignal(number))


def _own_thread() -> None:
    threading.Thread(target=lambda: time.sleep(1), name="left").start()


SPENDING: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "a thread goes on": (_own_thread, lambda: any(thread.name == "left" for thread in threading.enumerate())),
    "another process group": (
        lambda: os.setpgid(0, os.getpgid(os.getppid())),
        lambda: os.getpgrp() == os.getpid(),
    ),
}
"""What cannot be put back."""

RANDOM: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "random": (lambda: random.seed(1), random.random),
    "numpy": (lambda: np.random.seed(1), lambda: float(np.random.random())),
}
"""Sources of numbers that a step makes predictable."""


def _kinds() -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    return {**DIRT, **SPENDING, **RANDOM}


@step(cache=False)
def look(kind: str, turn: int) -> str:
    return repr(_kinds()[kind][1]())


@step(cache=False)
def dirty(kind: str, turn: str) -> int:
    _kinds()[kind][0]()
    return os.getpid()


@step(cache=False)
def fails_dirty(kind: str, turn: str) -> int:
    _kinds()[kind][0]()
    raise ValueError(kind)


@step(cache=False)
def where(turn: str) -> int:
    return os.getpid()


@pipeline
def before_and_after(kinds: list[str], beside: bool = False):
    turn: Any = 0
    for number, kind in enumerate(kinds):
        before = look.with_options(id=f"before_{number}")(kind, turn)
        changed = dirty.with_options(id=f"dirty_{number}")(kind, before)
        turn = after = look.with_options(id=f"after_{number}")(kind, changed)
        turn = where.with_options(id=f"where_{number}")(after)
    if beside:
        where.with_options(id="beside")("")


@pipeline
def written_where_it_went(place: Path):
    read_there(goes_and_writes(place))


@step(cache=False)
def goes_and_writes(place: Path) -> Path:
    os.chdir(place)
    os.umask(0o077)
    Path("out.txt").write_text("there")
    return Path("out.txt")


@step
def read_there(path: Path) -> str:
    return f"{path.read_text()} {os.getcwd()}"


def main(place: str, kinds: list[str]) -> None:
    """Print what a step finds of each kind before, and after, another one has changed it."""
    from plugbay.stack import Stack
    from plugbay_local.artifact_store import LocalArtifactStore
    from plugbay_local.orchestrator import LocalOrchestrator

    stack = Stack(orchestrator=LocalOrchestrator(workers=2), artifact_store=LocalArtifactStore(path=Path("store")))
    run = before_and_after.run(stack=stack, kinds=kinds, beside=place == "workers")
    found = [
        {which: run[f"{which}_{number}"].output.load() for which in ("before", "dirty", "after", "where")}
        for number in range(len(kinds))
    ]
    sys.stdout.write("found " + json.dumps({"driver": os.getpid(), "found": found}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
