"""``python -m plugbay_mlflow.serving.server GENERATION LOCK``: serve the MLflow model of the deployment in this directory.

It runs MLflow's scoring server under uvicorn, as ``mlflow models serve --env-manager local`` does, on a socket that the
server before it hands over, so that no connection is refused or lost. It serves once it has created ``N.decided``; who
waits for it in vain creates that file to stop it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from plugbay_mlflow.serving.detached import Detached, write

HOST = "127.0.0.1"
_UNREAD = 5.0
"""Seconds that a client has to send its request once a server retires."""


def main() -> None:
    """Serve the generation on the command line."""
    generation = int(sys.argv[1])
    os.set_inheritable(int(sys.argv[2]), False)
    # uvicorn has a handler of its own while it serves, and sends itself the signal again when it is done.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    here = Path.cwd()
    given = json.loads((here / f"{generation}.json").read_bytes())
    try:
        if given["memory"] is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_AS, (given["memory"], given["memory"]))
        from mlflow.pyfunc import scoring_server

        app = scoring_server.init(scoring_server.load_model_with_mlflow_config(given["path"]))
        before = current(here)
        listening = _taken_over(before) or _bound(here, given["port"])
    except BaseException as error:
        write(here / f"{generation}.failed", {"reason": f"{type(error).__name__}: {error}"})
        raise
    if decide(here, generation):
        _serve(app, listening, here, generation, before)


def _serve(app: Any, listening: socket.socket, here: Path, generation: int, before: int | None) -> None:
    import uvicorn

    class Server(uvicorn.Server):  # type: ignore[misc]  # its types are not relied upon
        """Tells when it has begun to accept connections, and when it has stopped."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            (here / "stopped").unlink(missing_ok=True)
            write(here / "current", {"generation": generation})
            if before is not None:
                Detached(here, f"server-{before}").signal(signal.SIGTERM)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            for server in self.servers:
                server.close()
            if (here / "stopped").exists():  # nobody takes the socket over, and who connects now is refused
                kept.close()
            (here / f"{generation}.retired").touch()
            # uvicorn closes connections whose request it has not read yet, and these were accepted.
            deadline = time.monotonic() + _UNREAD
            await asyncio.sleep(0.05)
            while any(getattr(each, "cycle", self) is None for each in self.server_state.connections):
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.02)
            await super().shutdown(sockets)

    kept = listening.dup()  # uvicorn closes its own
    _hand_over_when_asked(kept, generation)
    # A connection that is kept open would break when its server is replaced.
    config = uvicorn.Config(app, access_log=False, headers=[("Connection", "close")], backlog=1024)
    print(f"serving at http://{HOST}:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    Server(config).run(sockets=[listening])


def current(directory: Path) -> int | None:
    """The generation that answers, or did when the deployment was stopped; ``None`` before the first one."""
    with suppress(FileNotFoundError):
        return int(json.loads((directory / "current").read_bytes())["generation"])
    return None


def decide(directory: Path, generation: int) -> bool:
    """Decide what becomes of a generation; whether nobody else has."""
    try:
        (directory / f"{generation}.decided").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def _taken_over(generation: int | None) -> socket.socket | None:
    """The socket of the server that listens at present; ``None`` when there is none."""
    with socket.socket(socket.AF_UNIX) as other, suppress(FileNotFoundError, ConnectionError):
        other.settimeout(10)
        other.connect(f"{generation}.sock")  # relative: the path of a socket is short
        _, descriptors, _, _ = socket.recv_fds(other, 1, 1)
        if descriptors:
            return socket.socket(fileno=descriptors[0])
    return None


def _bound(here: Path, port: int | None) -> socket.socket:
    address = here / "address"
    if address.exists():
        port = int(json.loads(address.read_bytes())["port"])
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((HOST, port or 0))
    listening.listen(1024)
    # Two servers accept from one queue for a moment, and one of them comes too late.
    listening.setblocking(False)
    write(address, {"port": listening.getsockname()[1]})
    return listening


def _hand_over_when_asked(listening: socket.socket, generation: int) -> None:
    door = socket.socket(socket.AF_UNIX)
    Path(f"{generation}.sock").unlink(missing_ok=True)
    door.bind(f"{generation}.sock")
    door.listen(1)

    def hand_over() -> None:
        while True:
            successor, _ = door.accept()
            with successor, suppress(OSError):
                socket.send_fds(successor, [b"s"], [listening.fileno()])

    threading.Thread(target=hand_over, daemon=True).start()


if __name__ == "__main__":
    main()
