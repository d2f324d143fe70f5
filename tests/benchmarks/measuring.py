"""Samples: how long something takes, how much of the processor it uses, and how much memory."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from typing import Any, TextIO, cast

from attrs import evolve, frozen

TESTS = Path(__file__).resolve().parents[1]
"""The directory from which the package ``benchmarks`` is imported."""


@frozen(kw_only=True)
class Sample:
    """One measurement."""

    wall: float
    """Seconds by the clock."""
    cpu: float
    """Seconds of processor time, of all processes that ended meanwhile."""
    peak: int | None = None
    """Bytes: the most memory that a process of its own had resident."""
    noted: Mapping[str, float] | None = None
    """What the measured code tells beside."""

    def per(self, count: int) -> Sample:
        """The share of one of ``count`` equal parts."""
        return evolve(self, wall=self.wall / count, cpu=self.cpu / count)


def measured(function: Callable[[], object]) -> Sample:
    """Measure a call in this process, with the processes it starts."""
    cpu, start = _cpu_seconds(), time.perf_counter()
    noted = function()
    wall = time.perf_counter() - start
    _end_fork_server()
    return Sample(wall=wall, cpu=_cpu_seconds() - cpu, noted=noted if isinstance(noted, dict) else None)


def _cpu_seconds() -> float:
    usages = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _end_fork_server() -> None:
    """Wait for the server that started the workers of a pool: only then does their processor time count."""
    stop = getattr(getattr(forkserver, "_forkserver", None), "_stop", None)
    if stop is not None:
        stop()


def command(arguments: Sequence[str], **environment: str) -> Sample:
    """Measure a whole process, from its start to its end. Raises ``CalledProcessError`` when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(
        arguments, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    with cast(Any, process.stderr) as stream:
        errors = stream.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, arguments, stderr=errors.decode())
    return Sample(wall=wall, cpu=usage.ru_utime + usage.ru_stime)


class Fresh:
    """A process of its own that prepares something, waits, and then measures it; see :mod:`benchmarks.fresh`."""

    def __init__(self, prepare: Callable[..., Callable[[], object]], *arguments: object, **environment: str) -> None:
        """Start the process, which calls ``prepare(*arguments)``; what that returns is measured."""
        reference = f"{prepare.__module__}:{prepare.__qualname__}"
        path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.fresh", reference, json.dumps(arguments)],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._lines = cast(TextIO, self._process.stdout)

    def wait_until_ready(self) -> None:
        """Wait until it has prepared everything."""
        self._line_with("ready")

    def go(self) -> None:
        """Let it begin."""
        stdin = cast(TextIO, self._process.stdin)
        stdin.write("go\n")
        stdin.close()

    def sample(self) -> Sample:
        """Wait for the end and return what it measured."""
        found = self._line_with("sample")
        self._lines.close()
        self._process.wait()
        return Sample(**found)

    def _line_with(self, kind: str) -> Any:
        for line in self._lines:
            with suppress(ValueError):
                tree = json.loads(line)
                if isinstance(tree, dict) and kind in tree:
                    return tree[kind]
        msg = f"the measuring process ended with code {self._process.wait()}; its error is above"
        raise RuntimeError(msg)


def fresh(prepare: Callable[..., Callable[[], object]], *arguments: object, **environment: str) -> Sample:
    """Measure ``prepare(*arguments)()`` in a process of its own, without its start and its preparation."""
    process = Fresh(prepare, *arguments, **environment)
    process.wait_until_ready()
    process.go()
    return process.sample()
