"""``python -m plugbay_mlflow.serving.server GENERATION LOCK``: serve the MLflow model of the deployment in this directory.

It runs MLflow's scoring server under uvicorn, as ``mlflow models serve --env-manager local`` does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import Mapping
from typing import Any

from plugbay_local.serving.turns import Turn, take_turn

_UNREAD = 5.0
"""Seconds that a client has to send its request once a server retires."""


def _loaded(given: Mapping[str, Any]) -> Any:
    # uvicorn has a handler of its own while it serves, and sends itself the signal again when it is done.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from mlflow.pyfunc import scoring_server

    return scoring_server.init(scoring_server.load_model_with_mlflow_config(given["path"]))


def _answer(turn: Turn, app: Any) -> None:
    import uvicorn

    class Server(uvicorn.Server):  # type: ignore[misc]  # its types are not relied upon
        """Tells when it has begun to accept connections, and when it has stopped."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            turn.begin()

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            for server in self.servers:
                server.close()
            if turn.is_last:  # who connects now is refused
                turn.listening.close()
            turn.end()
            # uvicorn closes connections whose request it has not read yet, and these were accepted.
            deadline = time.monotonic() + _UNREAD
            await asyncio.sleep(0.05)
            while any(getattr(each, "cycle", self) is None for each in self.server_state.connections):
                if time.monotonic() > deadline:
                    break
                await asyncio.sleep(0.02)
            await super().shutdown(sockets)

    # A connection that is kept open would break when its server is replaced.
    config = uvicorn.Config(app, access_log=False, headers=[("Connection", "close")], backlog=1024)
    Server(config).run(sockets=[turn.listening.dup()])  # uvicorn closes its own


if __name__ == "__main__":
    take_turn(_loaded, _answer)
