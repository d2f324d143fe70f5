"""A Ray cluster: a head and further nodes, each with a loopback address of its own.

Ray listens on every address of a machine, whatever it is told. So a cluster is started, and used, in a network of its own
(:class:`servers.namespace.Namespace`), and only who knows the token may use it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from servers.ports import free_port
from servers.service import Service, answers

ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": secrets.token_hex(16),
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    # a busy machine is no error
    "RAY_health_check_timeout_ms": "60000",
    "RAY_CLIENT_SERVER_CHECK_CHANNEL_TIMEOUT_S": "300",
    "RAY_CLIENT_INITIAL_CONNECTION_TIMEOUT_S": "60",
    "RAY_CLIENT_MAX_CONNECTION_TIMEOUT_S": "300",
    "TIMEOUT_FOR_SPECIFIC_SERVER_S": "300",
}
"""What the processes of every cluster of this session share with whoever connects to one."""


class RayCluster:
    """A head with its dashboard, and as many further nodes as are asked for; all are ended by their process ids."""

    def __init__(self, *options: str) -> None:
        """Begin the head with further ``options`` of ``ray start``."""
        # Sockets lie in it, whose paths must be short; pytest's directories are not.
        self.directory = Path(tempfile.mkdtemp(prefix="ray-"))
        self.port, self.dashboard_port, self.client_port = free_port(), free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.dashboard = f"http://127.0.0.1:{self.dashboard_port}"
        self.client = f"ray://127.0.0.1:{self.client_port}"
        self.nodes: list[Service] = []
        self._options = options
        self._stack = contextlib.ExitStack()

    def add_node(self, *options: str) -> Service:
        """Start a node for one step at a time, with further ``options`` of ``ray start``."""
        return self._node(["--address", self.address, *(options or ("--num-cpus=1",))])

    def kill_node(self, node: Service) -> None:
        """End all processes of a node at once, as a machine that loses its power."""
        _kill(descendants(node.pid))
        node.kill()

    def __enter__(self) -> RayCluster:
        head = [
            "--head",
            f"--port={self.port}",
            "--dashboard-host=127.0.0.1",
            f"--dashboard-port={self.dashboard_port}",
            f"--ray-client-server-port={self.client_port}",
            f"--temp-dir={self.directory}",
            "--disable-usage-stats",
            *(self._options or ("--num-cpus=2",)),
        ]
        try:
            self._node(head)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        left = [pid for node in self.nodes if node.running for pid in descendants(node.pid)]
        self._stack.__exit__(kind, error, traceback)
        _kill(left)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _node(self, options: Iterable[str]) -> Service:
        log = self.directory / f"node-{len(self.nodes)}.log"
        # Ray takes its ports from the same ranges on every machine; here several nodes share one.
        address = f"127.0.0.{len(self.nodes) + 1}"
        shared = ["--block", f"--node-ip-address={address}", "--min-worker-port=0", "--max-worker-port=0"]
        shared.append(f"--dashboard-agent-listen-port={free_port()}")
        service = Service(
            [
                sys.executable,
                "-m",
                "ray.scripts.scripts",
                "start",
                *shared,
                "--object-store-memory=100000000",
                *options,
            ],
            log=log,
            ready=lambda: (
                log.exists()
                and "Ray runtime started" in log.read_text(errors="replace")
                and answers(f"{self.dashboard}/api/version")
            ),
            environment=ENVIRONMENT,
        )
        for tries_left in (2, 1, 0):
            try:
                self._stack.enter_context(service)
                break
            except RuntimeError as error:
                # Ray gives a node 30 s to register, and no setting of it changes that
                if not tries_left or "timed out during startup" not in str(error):
                    raise
        self.nodes.append(service)
        return service


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they started."""
    found = []
    with contextlib.suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (thread / "children").read_text().split()):
                found += [child, *descendants(child)]
    return found


def _kill(processes: Iterable[int]) -> None:
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
