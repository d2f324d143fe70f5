"""What a server is told of who asks, and how MLflow's own client, in this process, learns it.

MLflow reads user and password from ``os.environ``, which every thread and every child of the process shares. It also asks
plugins for request headers; this is one, and answers only while an attempt is tracked at the server that MLflow is set to.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping

from attrs import field, frozen

from plugbay_hookspecs import Secret


@frozen
class Credentials:
    """A user with a password, or a token, or nothing."""

    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None

    def headers(self) -> dict[str, str]:
        """The headers of a request."""
        if self.token is not None:
            return {"Authorization": f"Bearer {self.token.reveal()}"}
        if self.username is not None and self.password is not None:
            both = f"{self.username}:{self.password.reveal()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(both).decode()}"}
        return {}


@frozen
class _Known:
    """Who asks which server; an entry for each that is in use."""

    entries: list[tuple[str, Credentials]] = field(factory=list)
    lock: threading.Lock = field(factory=threading.Lock)


_known = _Known()  # MLflow makes the provider below itself, so there is no other place to give it anything


def lend(uri: str, credentials: Credentials) -> None:
    """Let MLflow's own client use credentials with a server, until they are taken back."""
    with _known.lock:
        _known.entries.append((uri, credentials))


def take_back(uri: str, credentials: Credentials) -> None:
    """Undo one :func:`lend`."""
    with _known.lock:
        _known.entries.remove((uri, credentials))


class HeaderProvider:
    """A request header provider of MLflow's."""

    def in_context(self) -> bool:
        """Whether there are headers to add."""
        return bool(_known.entries)

    def request_headers(self) -> Mapping[str, str]:
        """The headers for the server that MLflow is set to; none for any other."""
        import mlflow

        uri = mlflow.get_tracking_uri()
        with _known.lock:
            entries = list(_known.entries)
        return next((credentials.headers() for server, credentials in reversed(entries) if server == uri), {})
