"""The REST API of an MLflow server, with errors that the hooks promise, and never for minutes."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from plugbay_hookspecs.types.stack import Health, Problem
from plugbay_mlflow.credentials import Credentials

_AGAIN = (408, 429, 500, 502, 503, 504)
"""Answers after which MLflow's own client asks again, too."""
_KINDS: Mapping[str, type[Exception]] = {
    "RESOURCE_DOES_NOT_EXIST": KeyError,
    "RESOURCE_ALREADY_EXISTS": FileExistsError,
    "INVALID_PARAMETER_VALUE": ValueError,
    "BAD_REQUEST": ValueError,
}


class _NoRedirects(HTTPRedirectHandler):
    """Credentials are for the server that the settings name, and for no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Server:
    """An MLflow server. Its methods raise ``OSError`` when it could not be reached, or refuses who asks."""

    def __init__(
        self, uri: str, credentials: Credentials, *, timeout: float, retries: int = 0, rest: float = 0
    ) -> None:
        """Ask the server at ``uri``.

        :param timeout: seconds to wait for an answer.
        :param retries: how often it is asked again when it is not there or is busy.
        :param rest: seconds in which it is not asked at all after it could not be reached.
        """
        self.uri = uri.rstrip("/")
        self._credentials, self._timeout, self._retries, self._rest = credentials, timeout, retries, rest
        self._opener = build_opener(_NoRedirects())
        self._ask_from = 0.0

    def get(self, path: str, /, **query: Any) -> dict[str, Any]:
        """Ask for something."""
        return self._json("GET", f"/api/2.0/mlflow/{path}?{urlencode(query)}", None)

    def post(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Make, change or search something."""
        return self._json("POST", f"/api/2.0/mlflow/{path}", body)

    def patch(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Change something."""
        return self._json("PATCH", f"/api/2.0/mlflow/{path}", body)

    def delete(self, path: str, /, **body: Any) -> dict[str, Any]:
        """Delete something."""
        return self._json("DELETE", f"/api/2.0/mlflow/{path}", body)

    def pages(self, path: str, key: str, *, post: bool = False, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield what a search finds, page by page."""
        ask, token = self.post if post else self.get, None
        while True:
            page = ask(path, **query, **({"page_token": token} if token else {}))
            yield from page.get(key, ())
            token = page.get("next_page_token")
            if not token:
                return

    def health(self) -> Health:
        """Whether it answers, and accepts who asks."""
        started = time.perf_counter()
        try:
            self.post("experiments/search", max_results=1)
            with self.opened("GET", "/version") as answer:
                version = answer.read(100).decode(errors="replace")
        except (OSError, ValueError, KeyError) as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"MLflow {version}", latency=time.perf_counter() - started)

    def _json(self, method: str, path: str, body: Mapping[str, Any] | None) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        with self.opened(method, path, data, {"Content-Type": "application/json"}) as answer:
            content = answer.read()
        try:
            found: dict[str, Any] = json.loads(content or b"{}")
        except ValueError as error:
            msg = f"{self.uri} answers {path.partition('?')[0]} with something else than JSON: is it an MLflow server?"
            raise OSError(msg) from error
        return found

    @contextmanager
    def opened(
        self, method: str, path: str, data: bytes | IO[bytes] | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[IO[bytes]]:
        """Send a request and give its answer to be read."""
        waiting = self._ask_from - time.monotonic()
        if waiting > 0:
            msg = f"the MLflow server {self.uri} could not be reached just now; it is asked again in {waiting:.0f} s"
            raise ConnectionError(msg)
        allowed = 0 if hasattr(data, "read") else self._retries
        for attempt in range(allowed + 1):
            try:
                answer = self._sent(method, path, data, headers or {})
                break
            except HTTPError as error:
                with error:
                    if error.code not in _AGAIN or attempt == allowed:
                        raise _translated(self.uri, path, error) from None
            except (OSError, HTTPException) as error:
                if attempt == allowed or not _may_be_repeated(path, error):
                    self._ask_from = time.monotonic() + self._rest
                    reason = error.reason if isinstance(error, URLError) else error
                    msg = f"the MLflow server {self.uri} cannot be reached: {reason}"
                    raise ConnectionError(msg) from error
            time.sleep(0.2 * 2**attempt)
        try:
            with answer:
                yield answer
        except (TimeoutError, HTTPException) as error:
            msg = f"the MLflow server {self.uri} stopped in the middle of an answer: {error}"
            raise ConnectionError(msg) from error

    def _sent(self, method: str, path: str, data: bytes | IO[bytes] | None, headers: Mapping[str, str]) -> Any:
        request = Request(  # noqa: S310  the scheme is checked by `uri_problems`
            f"{self.uri}{path}", data, {**headers, **self._credentials.headers()}, method=method
        )
        return self._opener.open(request, timeout=self._timeout)


def uri_problems(uri: str, credentials: Credentials) -> list[Problem]:
    """What is wrong with the settings that name a server."""
    parts, problems = urlsplit(uri), []
    if parts.scheme not in ("http", "https") or not parts.netloc:
        remedy = "give the http:// or https:// address of an MLflow server, as `mlflow server` prints it"
        problems.append(Problem(message=f"uri = {uri!r} is not the address of a server", remedy=remedy))
    if "@" in parts.netloc:
        remedy = "set username and password, which are kept from sight"
        problems.append(Problem(message="uri has a user or a password in it", remedy=remedy))
    if (credentials.username is None) != (credentials.password is None):
        problems.append(Problem(message="username and password belong together, and one is missing"))
    if credentials.token is not None and credentials.username is not None:
        problems.append(Problem(message="there are a token and a username; a server is told one of them"))
    return problems


def _may_be_repeated(path: str, error: Exception) -> bool:
    """Whether a request can be sent again at once, without being done twice and without waiting twice."""
    reason = getattr(error, "reason", error)
    made_twice = path.endswith("/create") and not isinstance(reason, ConnectionRefusedError)
    return isinstance(reason, (ConnectionError, HTTPException)) and not made_twice


def _translated(uri: str, path: str, error: HTTPError) -> Exception:
    where = f"{uri}{path.partition('?')[0]}"
    try:
        told = json.loads(error.read())
        code, message = str(told.get("error_code", "")), str(told.get("message", ""))
    except (OSError, ValueError, AttributeError):
        code, message = "", ""
    if error.code in (401, 403):
        return PermissionError(
            f"{where} answered {error.code}: {message or error.reason}; check username, password or token"
        )
    kind = _KINDS.get(code, OSError)
    if kind is OSError and error.code == 404:
        kind = KeyError
    return kind(f"{where} answered {error.code}: {message or error.reason}")
