"""Where the objects lie, in words for errors and as options for the client."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import field, frozen

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_ALL_OF_IT = timedelta(hours=6)
"""A request may take long, as long as its bytes keep coming."""
_TRIES = 1000
"""So many that time is what ends them."""


@frozen(kw_only=True)
class Place:
    """A bucket or a container at an endpoint, as errors name it."""

    kind: str
    """What the service calls it: ``bucket`` or ``container``."""
    name: str
    endpoint: str
    """As it was set, or the service's name."""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    """What must not be part of any message."""

    def __str__(self) -> str:
        return f"{self.kind} {self.name!r} at {self.endpoint}"


def client_options(endpoint: str | None, timeout: float) -> ClientConfig:
    """Options of an HTTP client: plain HTTP where the endpoint says so, and an end to silence."""
    silence = timedelta(seconds=timeout)
    return {
        "allow_http": endpoint is not None and urlsplit(endpoint).scheme == "http",
        "connect_timeout": min(silence, timedelta(seconds=5)),
        "read_timeout": silence,
        "timeout": _ALL_OF_IT,
    }


def retry_options(seconds: float) -> RetryConfig:
    """Options that repeat a failed request for so long."""
    return {
        "max_retries": _TRIES if seconds > 0 else 0,
        "retry_timeout": timedelta(seconds=seconds),
        "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
    }
