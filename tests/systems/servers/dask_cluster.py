"""A Dask cluster: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from servers.ports import free_port
from servers.service import Service


class DaskCluster:
    """A scheduler on a free port of 127.0.0.1, and as many workers as are asked for, without nannies that replace dead ones."""

    def __init__(self, directory: Path) -> None:
        """Keep logs and the workers' scratch space in ``directory``."""
        self.directory = directory
        self.port = free_port()
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.workers: list[Service] = []
        self._stack = contextlib.ExitStack()

    def add_worker(self, *options: str, environment: dict[str, str] | None = None) -> Service:
        """Start a worker for one step at a time, with further ``options`` of the command."""
        log = self.directory / f"worker-{len(self.workers)}.log"
        command = [self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        worker = Service(
            [*_command("worker"), *command, "--local-directory", str(self.directory / "scratch"), *options],
            log=log,
            ready=lambda: log.exists() and "Registered to" in log.read_text(errors="replace"),
            environment=environment,
        )
        self._stack.enter_context(worker)
        self.workers.append(worker)
        return worker

    def __enter__(self) -> DaskCluster:
        scheduler = [*_command("scheduler"), "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self._stack.enter_context(Service(scheduler, log=self.directory / "scheduler.log", ready=self._listens))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, traceback)

    def _listens(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


def _command(name: str) -> Sequence[str]:
    return [sys.executable, "-m", "dask", name]
