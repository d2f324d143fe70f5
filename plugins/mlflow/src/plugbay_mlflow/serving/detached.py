"""A process that outlives the one that started it, told alive by a lock that it holds; run as a script it is detached.

A lock, unlike a process id, is never mistaken for another process's.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any


class Detached:
    """A detached process, by the files in a directory that stand for it; it need not have been started."""

    def __init__(self, directory: Path, name: str) -> None:
        """Name the process."""
        self._directory = directory
        self._lock, self._pid = directory / f"{name}.lock", directory / f"{name}.pid"

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Start a command; what it prints is appended to ``log``. The lock's descriptor is its last argument."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Taken here and inherited, so that there is no moment at which the process seems to be gone.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with log.open("ab") as output:
                subprocess.run(  # noqa: S603  the command is the deployer's
                    [sys.executable, "-I", "-S", __file__, str(self._pid), *command, str(lock)],
                    check=True,
                    cwd=self._directory,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    pass_fds=(lock,),
                    start_new_session=True,
                )
        finally:
            os.close(lock)

    def lives(self) -> bool:
        """Tell whether the process lives."""
        try:
            lock = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        else:
            return False
        finally:
            os.close(lock)

    def signal(self, number: int) -> None:
        """Send a signal, if the process lives."""
        if self.lives():
            with suppress(OSError, ValueError):
                os.kill(int(self._pid.read_text()), number)

    def kill(self) -> None:
        """End the process at once, if it lives."""
        self.signal(signal.SIGKILL)


def write(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file that is never seen half written."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(content), encoding="utf-8")
    draft.replace(path)


def _detach() -> None:
    pid_file, *command = sys.argv[1:]
    pid = os.fork()
    if not pid:
        os.execv(command[0], command)  # noqa: S606  no shell is wanted
    write(Path(pid_file), pid)  # type: ignore[arg-type]  # a number is JSON, too
    os._exit(0)


if __name__ == "__main__":
    _detach()
