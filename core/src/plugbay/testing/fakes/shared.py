"""What a fake keeps: an object of the process that made it, which other processes of the machine call from afar.

Pickled, it becomes an address. That is how the fakes of a stack get into worker processes and stay the same fakes.
"""

from __future__ import annotations

import os
import pickle
import threading
import weakref
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import Any


class Shared:
    """Calls the methods of one object, wherever it lies."""

    def __init__(self, kept: object, *, alone: bool = True) -> None:
        """Keep an object in this process.

        :param alone: one call at a time; otherwise the object takes care of itself.
        """
        self._kept: Any = kept
        self._lock = threading.RLock() if alone else None
        self._opening = threading.Lock()
        self._door: tuple[Any, bytes] | None = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*arguments: Any) -> Any:
            return _call(self._kept, self._lock, name, arguments)

        return method

    def __reduce__(self) -> Any:
        return Borrowed, self._address()

    def _address(self) -> tuple[Any, bytes]:
        """Let other processes in, and tell where."""
        with self._opening:
            if self._door is None:
                key = os.urandom(32)
                listener = Listener(backlog=64, authkey=key)
                self._door = (listener.address, key)
                over = threading.Event()
                serving = threading.Thread(
                    target=_serve, args=(listener, self._kept, self._lock, over), name="plugbay-fake", daemon=True
                )
                serving.start()
                weakref.finalize(self, _close, over, listener.address, key, serving)
            return self._door


class Borrowed:
    """Calls the methods of an object that another process of this machine keeps."""

    def __init__(self, address: Any, key: bytes) -> None:
        """Reach the object at an address."""
        self._address, self._key = address, key

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*arguments: Any) -> Any:
            try:
                connection = Client(self._address, authkey=self._key)
            except (FileNotFoundError, ConnectionError) as error:
                msg = "the process that made the fake is gone, and what it kept with it"
                raise ConnectionError(msg) from error
            with connection:
                connection.send((name, arguments))
                raised, result = connection.recv()
            if raised is not None:
                raise raised
            return result

        return method

    def __reduce__(self) -> Any:
        return Borrowed, (self._address, self._key)


def _call(kept: Any, lock: Any, name: str, arguments: tuple[Any, ...]) -> Any:
    if lock is None:
        return getattr(kept, name)(*arguments)
    with lock:
        return getattr(kept, name)(*arguments)


def _serve(listener: Listener, kept: Any, lock: Any, over: threading.Event) -> None:
    """Answer whoever knows the key."""
    with listener:
        while not over.is_set():
            try:
                connection = listener.accept()
            except (OSError, EOFError, AuthenticationError):  # whoever called was killed
                continue
            threading.Thread(target=_answer, args=(connection, kept, lock), daemon=True).start()


def _answer(connection: Connection, kept: Any, lock: Any) -> None:
    with connection, suppress(OSError, EOFError):
        name, arguments = connection.recv()
        answer: tuple[Exception | None, Any]
        try:
            answer = (None, _call(kept, lock, name, arguments))
        except Exception as error:  # noqa: BLE001  the caller raises it
            answer = (error, None)
        try:
            content = pickle.dumps(answer)
        except Exception as error:  # noqa: BLE001  an object of the user's may not pickle
            content = pickle.dumps((TypeError(f"{name} gave what another process cannot have: {error}"), None))
        connection.send_bytes(content)


def _close(over: threading.Event, address: Any, key: bytes, serving: threading.Thread) -> None:
    """End the serving thread, which waits for a caller."""
    over.set()
    if serving is not threading.current_thread():  # in which the garbage may be collected
        with suppress(OSError, EOFError, AuthenticationError):
            Client(address, authkey=key).close()
        serving.join(1)
