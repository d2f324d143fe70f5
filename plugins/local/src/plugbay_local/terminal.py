"""Ask a person on a terminal and wait no longer than a while."""

from __future__ import annotations

import os
import pwd
import re
import select
import termios
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from plugbay_hookspecs.types.message import Answer

_answer = re.compile(r"\s*(?:(y|yes)|n|no)\b[\s,.:;]*(.*?)\s*", re.IGNORECASE | re.DOTALL).fullmatch


class Terminal:
    """A terminal that this process may read from."""

    def __init__(self, descriptor: int) -> None:
        """Take the descriptor over, to close it in the end."""
        self._descriptor = descriptor

    @classmethod
    def open(cls, path: Path) -> Terminal | None:
        """Open a terminal; ``None`` when there is none, or another program has it (who reads then is stopped)."""
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return None
        if os.isatty(descriptor) and _is_ours(descriptor):
            return cls(descriptor)
        os.close(descriptor)
        return None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    def ask(self, lines: Iterable[str], deadline: float) -> Answer:
        """Ask until somebody answered yes or no, hung up, or the time on the monotonic clock has come."""
        # What was typed before the question was there is no answer to it.
        termios.tcflush(self._descriptor, termios.TCIFLUSH)
        self._write("\n".join(("", *lines, "")))
        while True:
            self._write("Approve? yes or no, and why: ")
            line = self._line(deadline)
            if line is None:
                self._write("\nNobody answered: not approved.\n")
                return Answer(approved=False, by=None, at=time.time())
            if found := _answer(line):
                return Answer(approved=found[1] is not None, by=_user(), at=time.time(), comment=found[2])

    def _line(self, deadline: float) -> str | None:
        read = b""
        while not read.endswith(b"\n"):
            left = deadline - time.monotonic()
            if left <= 0:
                return None
            if select.select([self._descriptor], [], [], min(left, 3600))[0]:
                try:
                    more = os.read(self._descriptor, 4096)
                except OSError:
                    return None
                if not more:
                    return None
                read += more
        return read.decode(errors="replace")

    def _write(self, text: str) -> None:
        content = text.encode(errors="backslashreplace")
        while content:
            content = content[os.write(self._descriptor, content) :]


def _is_ours(descriptor: int) -> bool:
    try:
        return os.tcgetpgrp(descriptor) == os.getpgrp()
    except OSError:
        return True  # not the terminal that controls this process: nobody is stopped for reading it


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
