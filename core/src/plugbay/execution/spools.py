"""The file that descriptors 1 and 2 lead to while a step runs: what is written there is brought over into the step's log.

A file beside it says whose output it has and how much of it is in the log, so that the rest is not lost with the process.
A program that opens ``/dev/stderr`` to write there empties the file, as it would empty any.
Once a secret is known the file has no name any more: what was not masked yet shall be found nowhere.
"""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import suppress
from typing import Any

from plugbay.home import SPOOL_FACTS, spool_directory
from plugbay.masking import any_hidden

fcntl: Any = None
with suppress(ImportError):  # a system without such locks makes a file for each step
    import fcntl

_FACTS = struct.Struct("<QH")
"""As :mod:`plugbay.history.unbrought` reads it: up to where it was brought over, and the length of the log's name."""
_SIZE = 512
"""Bytes of the file that has these, and the name."""


class Spool:
    """One such file, for as long as no process that a step has left behind still writes to it."""

    def __init__(self, run_id: str) -> None:
        """Make the file. Raises ``OSError`` where that cannot be done."""
        self.run_id = run_id
        directory = self.directory = spool_directory(run_id)
        self.path = directory / f"{os.getpid()}-{os.urandom(4).hex()}.spool"
        self.named = not any_hidden()
        directory.mkdir(parents=True, exist_ok=True)
        self.handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._facts = self.path.with_suffix(SPOOL_FACTS)
        head = os.open(self._facts, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        os.ftruncate(head, _SIZE)
        self._head = mmap.mmap(head, _SIZE)
        os.close(head)
        self.seen = 0
        self._next: int | None = self._open()
        self._second: int | None = None
        if not self.named:
            self.lose_name()

    def begin(self, log: str, *, two: bool) -> tuple[int, int]:
        """Keep what belongs to ``log`` from now on, and return what descriptors 1 and 2 are to lead to.

        :param two: keep them apart, so that it can be told who wrote what.
        """
        if self.seen:
            os.ftruncate(self.handle, 0)
            self.seen = 0
        name = log.encode()
        self._head[: _FACTS.size + len(name)] = _FACTS.pack(0, len(name)) + name
        first, self._next = self._next or self._open(), None
        self._second = self._open(shared=True) if two else None
        return first, first if self._second is None else self._second

    def brought(self, count: int) -> None:
        """Take down that so many more bytes are in the log."""
        self.seen += count
        self._head[:8] = self.seen.to_bytes(8, "little")

    def emptied(self) -> None:
        """Begin again where somebody has truncated the file."""
        self.brought(-self.seen)

    def renewed(self) -> bool:
        """Get ready for the next step; ``False`` when a process that the last one has left can still write here."""
        if fcntl is None:
            return False
        try:
            self._next = self._open()
        except OSError:
            return False
        return True

    def abandoned(self) -> bool:
        """Tell whether nobody can write here any more."""
        if fcntl is None:
            return True
        try:
            os.close(self._open())
        except OSError:
            return not self.path.exists()
        return True

    def _open(self, *, shared: bool = False) -> int:
        """Open it anew. Raises ``OSError`` while another description of it, made here, is open anywhere."""
        place = self.path if self.named else f"/proc/self/fd/{self.handle}"
        opened = os.open(place, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        if fcntl is not None and not shared:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(opened)
                raise
        return opened

    def lose_name(self) -> None:
        """Let what is in it be found nowhere once this process is gone."""
        self.named = False
        for path in (self.path, self._facts):
            with suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Remove it."""
        if self._next is not None:
            os.close(self._next)
            self._next = None
        os.close(self.handle)
        self._head.close()
        self.lose_name()
        with suppress(OSError):
            self.directory.rmdir()
