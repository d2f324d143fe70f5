"""A network of a test's own, which has loopback and nothing else: for servers that listen on every address there is."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from servers.lacking import lacking

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_libc = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """A network namespace. A thread enters it, and what the thread starts stays in it."""

    def __init__(self) -> None:
        """Make it; the test is skipped where the kernel does not let this process."""
        self._descriptor = -1
        self._error: OSError | None = None
        maker = threading.Thread(target=self._make)
        maker.start()
        maker.join()
        if self._error is not None:
            lacking(f"no network namespace can be made: {self._error}")

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Put the calling thread into it."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _call(_libc.setns, self._descriptor, _CLONE_NEWNET)
            try:
                yield
            finally:
                _call(_libc.setns, before, _CLONE_NEWNET)
        finally:
            os.close(before)

    def close(self) -> None:
        """Let go of it; it is gone with the last process in it."""
        os.close(self._descriptor)

    def _make(self) -> None:
        try:
            _call(_libc.unshare, _CLONE_NEWNET)
            with socket.socket() as any_socket:
                found = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, struct.pack("16sH14x", b"lo", 0))
                (flags,) = struct.unpack_from("H", found, 16)
                fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
            self._descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        except OSError as error:
            self._error = error


def _call(function: ctypes._CFunctionType, *arguments: int) -> None:
    if function(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
