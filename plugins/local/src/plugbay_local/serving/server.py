"""``python -m plugbay_local.serving.server GENERATION LOCK``: answer requests for the deployment in this directory.

A server that takes the place of another one is handed the socket on which the other one listens, so that no connection
is refused or lost. It serves once it has created ``N.decided``; who waits for it in vain creates that file to stop it.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import socket
import sys
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from plugbay_local.processes.detached import Detached
from plugbay_local.processes.supervisor import write
from plugbay_local.serving.loading import Predict, load

HOST = "127.0.0.1"
LARGEST = 1 << 30
"""Bytes of a request."""


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0 on purpose: a connection that is kept open would break when its server is replaced.
    timeout = 60
    server: _Server

    def do_GET(self) -> None:
        if self.path != "/health":
            self._answer(404, {"error": f"there is no {self.path}, only GET /health and POST /predict"})
            return
        self._answer(200, {"status": "ok", "model": self.server.model, "generation": self.server.generation})

    def do_POST(self) -> None:
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
        try:
            answer = _json(self.server.predict(inputs))
        except (ValueError, TypeError, LookupError) as error:
            self._answer(422, {"error": f"{type(error).__name__}: {error}"})
        except Exception as error:  # noqa: BLE001  the model's own, whatever it is
            self.log_error("%s: %s", type(error).__name__, error)
            self._answer(500, {"error": f"{type(error).__name__}: {error}"})
        else:
            self._send(200, answer)

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

    def __init__(self, listening: socket.socket, predict: Predict, model: str, generation: int) -> None:
        super().__init__((HOST, 0), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.server_address = listening, listening.getsockname()
        self.predict, self.model, self.generation = predict, model, generation

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, client = super().get_request()
        connection.setblocking(True)
        return connection, client


def main() -> None:
    """Serve the generation on the command line."""
    generation = int(sys.argv[1])
    os.set_inheritable(int(sys.argv[2]), False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    here = Path.cwd()
    given = json.loads((here / f"{generation}.json").read_bytes())
    try:
        if given["memory"] is not None:
            resource.setrlimit(resource.RLIMIT_AS, (given["memory"], given["memory"]))
        predict = load(Path(given["path"]), given["predictor"], given["digest"])
        before = current(here)
        listening = _taken_over(before) or _bound(here, given["port"])
    except BaseException as error:
        write(here / f"{generation}.failed", {"reason": f"{type(error).__name__}: {error}"})
        raise
    # Before any thread starts: none of them takes the signal, and one that comes early is kept for `sigwait`.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    if not decide(here, generation):
        return
    server = _Server(listening, predict, given["uri"], generation)
    _hand_over_when_asked(listening, generation)
    (here / "stopped").unlink(missing_ok=True)
    serving = threading.Thread(target=server.serve_forever, args=(0.05,))
    serving.start()
    write(here / "current", {"generation": generation})
    print(f"serving {given['uri']} at http://{HOST}:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
    if before is not None:
        Detached(here, f"server-{before}").signal(signal.SIGTERM)
    signal.sigwait({signal.SIGTERM})
    server.shutdown()
    serving.join()
    if (here / "stopped").exists():  # nobody else answers those who are connected already
        while select.select([listening], [], [], 0)[0]:
            server.handle_request()
    (here / f"{generation}.retired").touch()
    server.server_close()


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
