"""Processes of a lab: those that carry its mark in their environment."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

MARK = "FAULTS_MARK"


def marked(mark: str) -> list[int]:
    """The ids of all live processes that were started with this mark, by whatever way."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdigit():
            continue
        with suppress(OSError):
            if needle in (directory / "environ").read_bytes().split(b"\0") and _alive(directory):
                found.append(int(directory.name))
    return found


def _alive(directory: Path) -> bool:
    state = (directory / "stat").read_text().rpartition(")")[2].split()[0]
    return state not in ("Z", "X")


def gone_within(mark: str, seconds: float) -> list[int]:
    """Wait until no marked process is left; return those that are after ``seconds``."""
    return _none_within(lambda: marked(mark), seconds)


def ended_within(pids: Iterable[int], seconds: float) -> list[int]:
    """Wait until these processes have ended; return those that have not after ``seconds``."""
    return _none_within(lambda: [pid for pid in pids if is_alive(pid)], seconds)


def is_alive(pid: int) -> bool:
    """Whether there is such a process that has not ended."""
    with suppress(OSError):
        return _alive(Path(f"/proc/{pid}"))
    return False


def _none_within(find: Callable[[], list[int]], seconds: float) -> list[int]:
    deadline = time.monotonic() + seconds
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a driver with its process group, as a terminal that closes or a machine that reclaims memory does."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)


def kill_alone(process: subprocess.Popen[bytes]) -> None:
    """Kill a driver and nothing else."""
    process.kill()
    process.wait(30)
