"""What stands in for Google Cloud Storage: a proxy that puts an S3 server's headers in the place of Google's.

Google's XML protocol is S3's but for the names of some headers and the signature, which the proxy makes anew. So a client
of Google Cloud Storage works on a real object server. That proves what the client sends and how it takes answers, and
nothing of Google's service itself, its credentials least of all.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import hmac
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit

_NOT_PASSED_ON = {"host", "connection", "transfer-encoding", "authorization"}


@contextlib.contextmanager
def google_front(endpoint: str, access_key: str, secret_key: str) -> Iterator[str]:
    """Run the proxy in front of the S3 server at *endpoint*, for the user with the keys; give its own endpoint."""
    target = urlsplit(endpoint).netloc

    class Front(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            connection = http.client.HTTPConnection(target, timeout=60)
            try:
                address, headers = urlsplit(self.path), _translated(self.headers.items())
                path = quote(unquote(address.path), safe="/-_.~")
                query = _canonical_query(address.query)
                headers |= _signed(self.command, target, path, query, headers, access_key, secret_key)
                connection.request(self.command, f"{path}?{query}" if query else path, body, headers)
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


def _canonical_query(query: str) -> str:
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in pairs)


def _signed(
    method: str, host: str, path: str, query: str, headers: dict[str, str], access_key: str, secret_key: str
) -> dict[str, str]:
    """The headers that Amazon's signature, version 4, adds to a request."""
    now = datetime.datetime.now(datetime.UTC)
    moment, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    added = {"x-amz-date": moment, "x-amz-content-sha256": "UNSIGNED-PAYLOAD"}
    amazon = {name.lower(): value for name, value in headers.items() if name.lower().startswith("x-amz-")}
    covered = dict(sorted({"host": host, **amazon, **added}.items()))
    names = ";".join(covered)
    lines = "".join(f"{name}:{value.strip()}\n" for name, value in covered.items())
    request = "\n".join((method, path, query, lines, names, "UNSIGNED-PAYLOAD"))
    scope = f"{day}/us-east-1/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret_key}".encode()
    for part in (*scope.split("/"), text):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    credential = f"Credential={access_key}/{scope}, SignedHeaders={names}, Signature={key.hex()}"
    return {**added, "Authorization": f"AWS4-HMAC-SHA256 {credential}"}
