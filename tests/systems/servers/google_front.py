"""What stands in for Google Cloud Storage: a proxy that puts an S3 server's headers in the place of Google's.

Google's XML protocol is S3's but for the names of some headers. So a client of Google Cloud Storage, whose
credentials are dropped on the way, works on a bucket that anybody may write, in a real object server. It proves what the
client sends and how it takes answers, and nothing of Google's service itself, its credentials least of all.
"""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_NOT_PASSED_ON = {"host", "connection", "transfer-encoding", "authorization"}


@contextlib.contextmanager
def google_front(endpoint: str) -> Iterator[str]:
    """Run the proxy in front of the S3 server at *endpoint*; give its own."""
    target = urlsplit(endpoint).netloc

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(target, timeout=60)
            try:
                connection.request(self.command, self.path, body, _translated(self.headers.items()))
                answer = connection.getresponse()
                content = answer.read()
            finally:
                connection.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(name, value)
            self.send_header("x-goog-generation", "1")
            length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = handle_any

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Front) as server:
        server.daemon_threads = True
        serving = threading.Thread(target=server.serve_forever, name="google-front", daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def _translated(headers: list[tuple[str, str]]) -> dict[str, str]:
    translated = {}
    for name, value in headers:
        lowered = name.lower()
        if lowered == "x-goog-if-generation-match" and value == "0":
            translated["If-None-Match"] = "*"
        elif lowered == "x-goog-copy-source":
            translated["x-amz-copy-source"] = value
            translated["x-amz-metadata-directive"] = "REPLACE"
        elif lowered not in _NOT_PASSED_ON:
            translated[name] = value
    return translated
