"""Commands that install: a second try after a stall or a failure, and never again in this session what failed twice."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from plugbay.testing.waiting import stretched
from servers.lacking import lacking

TRIES = 2
_failed: dict[str, str] = {}
"""What could not be installed, and the end of what was said about it."""


def install(
    name: str,
    command: Sequence[str],
    *,
    seconds: float = 240,
    environment: Mapping[str, str] | None = None,
    before_second_try: Callable[[], object] = lambda: None,
) -> None:
    """Run a command that installs *name*; skip or fail the test where it does not succeed, each time in *seconds*."""
    if name not in _failed:
        for number in range(TRIES):
            if number:
                before_second_try()
            told = _tried(command, stretched(seconds), environment or {})
            if told is None:
                return
            _failed[name] = told
    lacking(f"{name} could not be installed by `{' '.join(command)}`:\n{_failed[name]}")


def _tried(command: Sequence[str], seconds: float, environment: Mapping[str, str]) -> str | None:
    """Run it to its end; what it says where it fails or stalls."""
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        start_new_session=True,
    ) as process:
        try:
            told, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            told, _ = process.communicate()
            return f"it was not through after {seconds:.0f} s:\n{told[-2000:]}"
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return f"it ended with {process.returncode}:\n{told[-2000:]}" if process.returncode else None
