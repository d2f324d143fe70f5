"""The connection of a process to Ray: all runs in it share the one that Ray has for it, and the last one ends it."""

from __future__ import annotations

import logging
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

_lock = threading.Lock()
_users = 0
"""How many runs use the connection that one of them has made."""
_made: tuple[str | None, int | None] | None = None
"""The address and the number of workers that it was made with; ``None`` when none was, or it was there before."""


@contextmanager
def connected(address: str | None, workers: int | None, timeout: float) -> Iterator[bool]:
    """Be connected to the cluster at ``address``, or to one of this process's own.

    A connection that is there already is used, and left.

    :returns: whether the workers may be on other machines.
    :raises ConnectionError: when there is no cluster, or this process is connected to another one.
    """
    global _users, _made
    import ray

    with _lock:
        if _made is not None:
            _check(address, _made[0])
        elif ray.is_initialized():
            _check(address, None)
        else:
            _connect(address, workers, timeout)
            _made = address, workers
        ours = _made is not None
        _users += ours
        distant = not (ours and address is None)
    try:
        yield distant
    finally:
        if ours:
            with _lock:
                _users -= 1
                if _users == 0:
                    _made = None
                    ray.shutdown()


def _check(address: str | None, found: str | None) -> None:
    """Refuse another cluster than the one that this process is connected to."""
    if address is None or address in (found, "auto"):
        return
    import ray

    there = None if address.startswith("ray://") else ray.get_runtime_context().gcs_address
    if there != address:
        msg = (
            f"this process is connected to the Ray cluster at {found or there or 'another address'}, and a process has"
            f" one connection; use {address} in another process, or when that one is over"
        )
        raise ConnectionError(msg)


def _connect(address: str | None, workers: int | None, timeout: float) -> None:
    import ray

    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGTERM) if in_main_thread else None
    try:
        if address is None:
            ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=_STORE, **quiet)
        else:
            _reach(address, timeout)
            try:
                ray.init(address, **quiet)
            except ConnectionAbortedError:
                # Ray starts a server for each client and gives it half a minute, which a busy machine may not keep to.
                ray.init(address, **quiet)
    finally:
        if handler is not None:
            signal.signal(signal.SIGTERM, handler)  # Ray takes it, and with it how a run is cancelled


_STORE = 200_000_000
"""Bytes of shared memory for a cluster of this process's own: requests and results lie in it, data does not."""


def _reach(address: str, timeout: float) -> None:
    """Find out in time that nothing answers: Ray would try for minutes, and end the process then."""
    place = urlsplit(address if "//" in address else f"//{address}")
    if place.hostname is None or place.port is None:
        return
    try:
        socket.create_connection((place.hostname, place.port), timeout).close()
    except OSError as error:
        msg = f"no Ray cluster answers at {address}: {error}"
        raise ConnectionError(msg) from error
