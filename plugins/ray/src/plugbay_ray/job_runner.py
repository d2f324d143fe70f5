"""``python -m plugbay_ray.job_runner JOB``: run the command of a job on a machine of the cluster, and see to its end.

Ray runs an entrypoint in a shell and tells how it exited. What it leaves out is done here: variables that arrive as they
are, a limit of memory, a timeout, and processes that end with the command that started them.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

TIMED_OUT = 124
"""Exits with it when the command took too long."""
_CANNOT_START = 127
_SIGNALLED = 128
"""And the signal's number: how shells tell that a signal ended a command."""
_PR_SET_CHILD_SUBREAPER = 36


def main(job: dict[str, Any]) -> int:
    """Run the command; return the code to exit with.

    The log of the command begins after a line with the marker: Ray writes lines of its own before it.
    """
    _adopt_orphans()
    print(job["marker"], flush=True)
    told: list[int] = []

    def remember(number: int, _frame: FrameType | None) -> None:
        told.append(number)

    signal.signal(signal.SIGTERM, remember)
    try:
        process = subprocess.Popen(  # noqa: S603  the command is what it was started for
            job["command"],
            env={**os.environ, **job["environment"]},
            stdin=subprocess.DEVNULL,
            preexec_fn=lambda: _limit(job["memory"]),
        )
    except OSError as error:
        print(f"cannot start {job['command'][:1]}: {error}", file=sys.stderr)
        return _CANNOT_START
    if told:  # later Ray tells the command as well, and kills both when that does not help
        process.terminate()
    try:
        code = process.wait(job["timeout"])
    except subprocess.TimeoutExpired:
        print(f"the job took longer than its timeout of {job['timeout']:g} s", file=sys.stderr)
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(job["grace"])
        code = TIMED_OUT
    _end_the_rest()
    return code if code >= 0 else _SIGNALLED - code


def _limit(memory: int | None) -> None:
    if memory is not None:
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))


def _adopt_orphans() -> None:
    """Become the parent of processes whose own parent has ended, so that they are found."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_the_rest() -> None:
    """Kill what the command has started and not ended; once more, for what was started meanwhile."""
    for _ in range(10):
        left = list(_descendants(os.getpid()))
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not left:
            return
        time.sleep(0.02)


def _descendants(pid: int) -> Iterator[int]:
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                yield child
                yield from _descendants(child)


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
