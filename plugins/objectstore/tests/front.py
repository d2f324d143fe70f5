"""A proxy before a real server: what becomes of each request and of its answer is decided by the test."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

Fate: TypeAlias = Literal["passed", "answer lost", "request lost", "refused"]
"""What becomes of a request: ``refused`` was passed on all the same, and got 503 for an answer."""


@contextmanager
def front(endpoint: str, fate_of: Callable[[str, Mapping[str, str]], Fate]) -> Iterator[str]:
    """Run the proxy, and give its own endpoint.

    :param fate_of: takes the method and the headers of a request, from any thread.
    """

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle(self) -> None:
            with suppress(OSError):  # a client that was killed, or has had enough
                super().handle()

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            fate = fate_of(self.command, dict(self.headers.items()))
            if fate == "request lost":
                self.hang_up()
                return
            connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            answer = connection.getresponse()
            content, status = answer.read(), answer.status
            connection.close()
            if fate == "answer lost":
                self.hang_up()
                return
            if fate == "refused":
                status, content = 503, b""
            self.send_response(status)
            for name in ("ETag", "Last-Modified", "Content-Range", "Content-Type"):
                if answer.getheader(name):
                    self.send_header(name, str(answer.getheader(name)))
            length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any

        def hang_up(self) -> None:
            self.close_connection = True

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
