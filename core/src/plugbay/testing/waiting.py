"""Waiting for what happens, for as long as it takes at most on an idle machine, and longer where the machine is busy."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_Found = TypeVar("_Found")

_MOST = 10.0
"""So many times longer at most: what takes even longer is stuck."""
_PAUSE = 0.02


def stretched(seconds: float) -> float:
    """Seconds of an idle machine, in seconds of this one at the moment: times the processes that want each core."""
    return seconds * min(max(1.0, _wanting() / (os.cpu_count() or 1)), _MOST)


def wait_until(
    happened: Callable[[], _Found | None], seconds: float = 60.0, *, lacking: str = "it did not happen"
) -> _Found:
    """Wait until ``happened`` gives something true, and return it.

    Raises ``AssertionError`` with ``lacking`` after ``seconds``, :func:`stretched` by the highest load in the meantime.
    """
    began, limit = time.monotonic(), 0.0
    while not (found := happened()):
        limit = max(limit, stretched(seconds))
        waited = time.monotonic() - began
        assert waited < limit, f"{lacking} within {waited:.0f} s"
        time.sleep(_PAUSE)
    return found


def _wanting() -> float:
    """The processes that run or want to run: now, or in the mean of the last minute, whichever are more."""
    try:
        recently = os.getloadavg()[0]
    except OSError:
        recently = 0.0
    try:
        now = float(Path("/proc/loadavg").read_text().split()[3].partition("/")[0])
    except OSError:
        now = 0.0
    return max(recently, now)
