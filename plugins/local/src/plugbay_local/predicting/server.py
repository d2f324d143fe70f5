"""``python -m plugbay_local.predicting.server GENERATION LOCK``: answer requests for the deployment in this directory."""

from __future__ import annotations

import json
import select
import signal
import socket
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from plugbay_local.predicting.loading import Predict, load
from plugbay_local.serving.turns import Turn, take_turn

LARGEST = 1 << 30
"""Bytes of a request."""
_HOSTS = frozenset({"127.0.0.1", "localhost"})
"""What a client on this machine calls it. Any other name is one that a web page made lead here."""


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0 on purpose: a connection that is kept open would break when its server is replaced.
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        if self._refused():
            return
        if self.path != "/health":
            self._answer(404, {"error": f"there is no {self.path}, only GET /health and POST /predict"})
            return
        self._answer(200, {"status": "ok", "model": self.server.model, "generation": self.server.generation})

    def do_POST(self) -> None:
        if self._refused():
            return
        if self.path != "/predict":
            self._answer(404, {"error": f"there is no {self.path}, only GET /health and POST /predict"})
            return
        try:
            length = int(self.headers.get("Content-Length", ""))
            if not 0 <= length <= LARGEST:
                msg = f"a request has at most {LARGEST} bytes"
                raise ValueError(msg)
            inputs = json.loads(self.rfile.read(length))
        except ValueError as error:
            self._answer(400, {"error": f"the request is no JSON of known length: {error}"})
            return
        except RecursionError:
            self._answer(400, {"error": "the request is JSON that is nested too deeply to be read"})
            return
        try:
            answer = _json(self.server.predict(inputs))
        except (ValueError, TypeError, LookupError) as error:
            self._answer(422, {"error": f"{type(error).__name__}: {error}"})
        except Exception as error:  # noqa: BLE001  the model's own, whatever it is
            self.log_error("%s: %s", type(error).__name__, error)
            self._answer(500, {"error": f"{type(error).__name__}: {error}"})
        else:
            self._send(200, answer)

    def _refused(self) -> bool:
        """Whether the request comes from a page of another origin, or by a name that is not this machine's own."""
        host, origin = self.headers.get("Host"), self.headers.get("Origin")
        if host is not None and host.rpartition(":")[0] not in _HOSTS and host not in _HOSTS:
            self._answer(421, {"error": f"this server is not {host!r}: it answers at 127.0.0.1 and localhost"})
            return True
        if origin is not None and origin != f"http://{host}":
            self._answer(403, {"error": f"a page of the origin {origin!r} may not ask this server"})
            return True
        return False

    def _answer(self, code: int, body: object) -> None:
        self._send(code, _json(body))

    def _send(self, code: int, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _json(value: object) -> bytes:
    def plain(unknown: Any) -> object:
        if hasattr(unknown, "tolist"):
            return unknown.tolist()
        msg = f"the model's prediction holds a {type(unknown).__qualname__}, which JSON has no form for"
        raise RuntimeError(msg)

    return json.dumps(value, default=plain).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # requests in progress are answered before the process ends

    def __init__(self, turn: Turn, predict: Predict) -> None:
        super().__init__(turn.listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = turn.listening
        self.predict, self.model, self.generation = predict, turn.given["uri"], turn.generation

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        connection.setblocking(True)
        return connection, client


def _loaded(given: Mapping[str, Any]) -> Predict:
    predict = load(Path(given["path"]), given["predictor"], given["digest"])
    # Before any thread starts: none of them takes the signal, and one that comes early is kept for `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    return predict


def _answer(turn: Turn, predict: Predict) -> None:
    server = _Server(turn, predict)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    turn.begin()
    signal.sigwait({signal.SIGTERM})
    server.shutdown()
    serving.join()
    if turn.is_last:  # nobody else answers those who are connected already
        while select.select([turn.listening], [], [], 0)[0]:
            server.handle_request()
    turn.end()
    server.server_close()


if __name__ == "__main__":
    take_turn(_loaded, _answer)
