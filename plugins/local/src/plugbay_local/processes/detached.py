"""Start a process that outlives this one, and tell from any other process whether it lives.

It holds a lock on a file for as long as it lives. Unlike a process id, a lock is never mistaken for another process's, not
after it was killed and not after the machine was started anew.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from plugbay_local.processes import detaching


@frozen
class Detached:
    """A detached process, by the files that stand for it; it need not have been started."""

    directory: Path
    name: str

    @property
    def _lock(self) -> Path:
        return self.directory / f"{self.name}.lock"

    @property
    def _pid(self) -> Path:
        return self.directory / f"{self.name}.pid"

    def start(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Start a command; what it prints is appended to ``log``. It finds the lock's descriptor as its last argument."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Taken here and inherited, so that there is no moment at which the process seems to be gone.
            # Waited for: whoever asks just now whether the process lives holds it for a moment.
            fcntl.flock(lock, fcntl.LOCK_EX)
            between = [sys.executable, "-I", "-S", detaching.__file__, str(self._pid)]
            with log.open("ab") as output:
                subprocess.run(  # noqa: S603  the command is the caller's
                    [*between, *command, str(lock)],
                    check=True,
                    cwd=self.directory,
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


def machine_environment(names: Sequence[str] = ()) -> dict[str, str]:
    """The variables of this process that every other one of this machine needs, and those of ``names``."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "PLUGBAY_HOME", *names) if name in os.environ}
