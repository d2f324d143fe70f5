"""A process that has imported everything, and forks one for each command line: no start of Python for each fault.

``python nursery.py WARM`` reads one JSON document a line and answers each with one. A forked process is, to all that it can
tell, one that was started as ``python -m plugbay``: it has the environment, directory and standard streams that it is given,
a session of its own, and ``plugbay.__main__`` as its main module. ``WARM`` names a file with the modules to import.

What it starts in turn is no new Python either, where that is the standard library's resource tracker or fork server: these
are spare processes that it has forked right at its beginning, so that they know nothing of it.
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any

FOREIGN = ("__main__", "__mp_main__", "plugbay.__main__", "sitecustomize", "usercustomize")


class Nursery:
    """The side of the tests."""

    def __init__(self, directory: Path, library: Path) -> None:
        """Start it with the shim ``library`` before all others."""
        directory.mkdir(parents=True, exist_ok=True)
        self._warm = directory / "modules"
        self._library = library
        self._process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, __file__, str(self._warm)],
            env={**os.environ, "LD_PRELOAD": str(self._library)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _ask(self, **question: Any) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        assert told, "the nursery has died"
        return json.loads(told)

    def warm(self, words: list[str], *, cwd: Path, env: Mapping[str, str]) -> None:
        """Have all later processes begin with the modules that this command line has imported in the end."""
        pid = self.start(words, cwd=cwd, env=env, out=self._warm.with_suffix(".out"), control=None, tell=self._warm)
        assert self.wait(pid) == 0, self._warm.with_suffix(".out").read_text()
        self.close()
        self._process = self._start()

    def start(
        self,
        words: list[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        out: Path,
        control: Path | None,
        tell: Path | None = None,
    ) -> int:
        """Start ``plugbay WORD...``; what it prints goes to ``out`` and ``out`` with ``.err`` behind it. Return its id."""
        if control is not None:
            env = {**env, "FAULTS_CONTROL": str(control), "LD_PRELOAD": str(self._library)}
        told = {"words": words, "cwd": str(cwd), "env": dict(env), "out": str(out), "tell": str(tell or "")}
        return int(self._ask(control=str(control or ""), **told))

    def wait(self, pid: int, timeout: float = 60.0) -> int:
        """Wait until a process has ended; return its exit code, or its signal's number below zero."""
        descriptor = os.pidfd_open(pid)
        try:
            if not select.select([descriptor], [], [], timeout)[0]:
                os.killpg(pid, signal.SIGABRT)  # with faulthandler on, it says what it was doing
                with suppress(ProcessLookupError):
                    time.sleep(1)
                    os.killpg(pid, signal.SIGKILL)
        finally:
            os.close(descriptor)
        return int(self._ask(wait=pid))

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(30)

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _grow_up(told: Mapping[str, Any], questions: IO[str]) -> None:
    """Become what was asked for, in a process that was forked just now."""
    questions.close()
    os.setsid()
    os.chdir(told["cwd"])
    os.environ.clear()
    os.environ.update(told["env"])
    nothing = os.open(os.devnull, os.O_RDONLY)
    out, err = (
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) for path in (told["out"], f"{told['out']}.err")
    )
    for descriptor, place in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    sys.argv = ["plugbay", *told["words"]]
    sys.path[0] = told["cwd"]
    import faulthandler

    faulthandler.enable()
    if "pool" in told["words"]:
        _keep_spares(told["control"])
    if told["control"]:
        _obey(told["control"], driver=True)


def _obey(path: str, *, driver: bool) -> None:
    import ctypes
    import struct

    if driver:
        with open(path, "r+b") as file:
            file.write(struct.pack("i", os.getpid()))
    ctypes.CDLL(None).faults_obey(os.fsencode(path))


def _keep_spares(control: str) -> None:
    """Have ``multiprocessing`` take forked processes where it would start a Python with ``-c``."""
    from multiprocessing import util

    spares = [_spare(control) for _ in range(2)]
    real = util.spawnv_passfds

    def spawn(path: bytes, words: list[Any], descriptors: list[int]) -> int:
        if not spares or "-c" not in words:
            return int(real(path, words, descriptors))
        pid, talk = spares.pop()
        code = words[words.index("-c") + 1]
        with talk:
            socket.send_fds(talk, [json.dumps([code, list(descriptors)]).encode()], list(descriptors))
        return pid

    util.spawnv_passfds = spawn


def _spare(control: str) -> tuple[int, socket.socket]:
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return pid, ours
    os.closerange(3, theirs.fileno())  # what the driver has: if it ends, this has to be noticed
    os.closerange(theirs.fileno() + 1, 500)
    told, received, *_ = socket.recv_fds(theirs, 1 << 16, 16)
    if not told:  # the driver has ended without it
        os._exit(0)
    code, wanted = json.loads(told)
    # out of the way of each other, then each where the code looks for it; all else is closed, as by a start of Python
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 500) for descriptor in received]
    os.closerange(3, 500)
    for descriptor, place in zip(high, wanted, strict=True):
        os.dup2(descriptor, place)
    os.closerange(500, 600)
    if control:
        _obey(control, driver=False)
    sys.argv = ["-c"]
    try:
        exec(code, {"__name__": "__main__"})
    except SystemExit as error:
        os._exit(error.code if isinstance(error.code, int) else 0)
    finally:
        os._exit(0)


def _end(code: int) -> None:
    """End as Python does, but for taking its modules apart, which is most of the work and nobody's concern."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _be_plugbay(tell: str) -> int:
    import runpy

    try:
        runpy.run_module("plugbay", run_name="__main__", alter_sys=True)
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    else:
        return 0
    finally:
        if tell:
            below = os.getcwd()
            ours = [
                name
                for name, module in sys.modules.items()
                if name not in FOREIGN and not str(getattr(module, "__file__", "")).startswith(below)
            ]
            Path(tell).write_text("\n".join(ours))


def main() -> None:
    """Answer questions until there are no more."""
    import ctypes  # noqa: F401  a forked process needs it
    import faulthandler  # noqa: F401
    import runpy  # noqa: F401
    import struct  # noqa: F401
    from multiprocessing import forkserver, resource_tracker, util  # noqa: F401

    warm = Path(sys.argv[1])
    for name in warm.read_text().splitlines() if warm.exists() else ():
        with suppress(ImportError):
            importlib.import_module(name)
    gc.freeze()  # so that a forked process does not copy what it only looks at
    questions = os.fdopen(os.dup(0), "r")
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    while line := questions.readline():
        told = json.loads(line)
        if "wait" in told:
            _, status = os.waitpid(told["wait"], 0)
            answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
            continue
        pid = os.fork()
        if pid == 0:
            _grow_up(told, questions)
            _end(_be_plugbay(told["tell"]))
        answers.write(f"{pid}\n")


if __name__ == "__main__":
    main()
