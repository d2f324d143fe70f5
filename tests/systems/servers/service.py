"""A server process of a test: started with a log of its own, waited for, ended by its process id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from plugbay.testing.waiting import stretched, wait_until


def answers(url: str, timeout: float = 2) -> bool:
    """Whether an HTTP server answers at *url*, with whatever status."""
    try:
        urllib.request.urlopen(url, timeout=timeout).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


_ENDED = object()


class Service:
    """One server process in a session of its own. As a context manager it is started on entering and ended on leaving."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        ready: Callable[[], bool],
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
        timeout: float = 120,
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = log
        self.ready = ready
        self.environment = dict(environment or {})
        self.directory = directory
        self.timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it was started and not ended by this object."""
        return self._process is not None

    def start(self) -> None:
        """Start the process and wait until it is ready; a server that ends before or is never ready fails the test."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                cwd=self.directory,
                start_new_session=True,
            )
        began = time.monotonic()
        try:
            ended = wait_until(self._ended_or_ready, self.timeout, lacking="it is not ready") is _ENDED
            state = f"ended with {self._process.poll()}" if ended else ""
        except AssertionError:
            state = "is not ready"
        if state:
            self.stop()
            said = self.log.read_text(errors="replace")[-4000:]
            message = f"{' '.join(self.command)} {state} after {time.monotonic() - began:.0f} s:\n{said}"
            raise RuntimeError(message)

    def _ended_or_ready(self) -> object:
        assert self._process is not None
        return self.ready() or (_ENDED if self._process.poll() is not None else None)

    def kill(self) -> None:
        """End the process and its children at once, as a crash would."""
        self._end(signal.SIGKILL)

    def stop(self, patience: float = 10) -> None:
        """Ask the process to end; kill what is left after *patience* seconds of an idle machine."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(stretched(patience))
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        self._process.wait(stretched(10))
        self._process = None

    def __enter__(self) -> Service:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
