"""TCP ports for servers that want to be told theirs."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_RANGE = range(18000, 32000)
"""Below the ports that Linux gives to outgoing connections and to who asks for any."""
_LOCKS = Path(tempfile.gettempdir()) / "plugbay-tests-ports"
_kept: list[int] = []
"""Descriptors of locked files: a port is this process's until it ends, whichever server it was for."""


def free_port() -> int:
    """A port on 127.0.0.1 that nothing listens on, and that no other process of tests on this machine is given."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """The first of so many such ports side by side."""
    _LOCKS.mkdir(exist_ok=True)
    for _ in range(1000):
        first = random.randrange(_RANGE.start, _RANGE.stop - count)
        if all(_is_free(port) for port in range(first, first + count)):
            taken = list(_taken(range(first, first + count)))
            if len(taken) == count:
                _kept.extend(taken)
                return first
            for descriptor in taken:
                os.close(descriptor)
    msg = f"no {count} free ports side by side"
    raise RuntimeError(msg)


def _taken(ports: range) -> Iterator[int]:
    for port in ports:
        descriptor = os.open(_LOCKS / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return
        yield descriptor


def _is_free(port: int) -> bool:
    with suppress(OSError), socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        return True
    return False
