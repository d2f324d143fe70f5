"""Standard streams: which are terminals, how to write to them without ever failing, how to see what others write.

``sys.stdout`` and ``sys.stderr`` themselves are never replaced. The host swaps them for each step to keep a log, and
what is put there in between, or restored late, would take that log's place. An :class:`Interception` works on the
stream object instead, so it sees what is written through a log's tee or a logging handler as well.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TextIO


class Writable(Protocol):
    """The part of a text stream that is needed here."""

    def write(self, text: str, /) -> int:
        """Write ``text``."""

    def flush(self) -> None:
        """Send on what was written."""


class QuietStream:
    """Writes to a stream for as long as that works, and then no more; it never raises.

    :param stream: where to write. ``None``, as ``sys.stderr`` is in a process without a console, is nowhere.
    """

    def __init__(self, stream: Writable | None) -> None:
        """Write to ``stream`` first."""
        self._stream = stream

    def write(self, text: str) -> None:
        """Write ``text`` and flush."""
        while self._stream is not None:
            stream = self._stream
            try:
                stream.write(text)
                stream.flush()
            except (OSError, ValueError):
                # A run that began while another one's step was being logged may have got hold of that step's tee, which
                # is closed by now: the process's own stream may still do.
                fallback = sys.__stderr__
                own = (fallback, sys.stderr)
                given_up = stream in own or isinstance(stream, Interception)
                self._stream = None if given_up else fallback
                if given_up and fallback is not None:
                    _drop_what_is_left(fallback)
            else:
                return

    def close(self) -> None:
        """Write no more; close the stream if it was :func:`opened for this <own_way>`."""
        stream, self._stream = self._stream, None
        if isinstance(stream, _OwnWay):
            stream.end()


class _OwnWay(io.TextIOWrapper):
    """A stream of our own to where another one leads."""

    def end(self) -> None:
        """Close it, whatever becomes of what it could not write."""
        with suppress(OSError, ValueError):
            self.close()


def _drop_what_is_left(stream: TextIO) -> None:
    """Let a stream that nobody reads any more lead nowhere.

    What it has not been able to write stays in its buffer, and the interpreter would fail to flush it at exit and end
    with a status of its own.
    """
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, stream.fileno())
        finally:
            os.close(nowhere)


def own_way(stream: TextIO | None) -> Writable | None:
    """Return a stream of our own to where ``stream`` leads now, if that is a descriptor.

    The host lets descriptors 1 and 2 lead to a step's log while the step runs.
    """
    if type(stream) is not io.TextIOWrapper or "write" in vars(stream):
        return stream
    try:
        stream.flush()
        again = os.dup(stream.fileno())
    except (OSError, ValueError):
        return stream
    raw = io.BufferedWriter(io.FileIO(again, "w"))
    return _OwnWay(raw, encoding=stream.encoding, errors=stream.errors, newline="", line_buffering=True)


class Interception:
    """Takes the place of one stream object's ``write``.

    What it writes itself goes to where the stream led when it was made, whatever becomes of the descriptor.

    :param stream: the stream.
    :param take: called with this interception and the text instead; it writes with :meth:`write`.
    """

    def __init__(self, stream: io.TextIOWrapper, take: Callable[[Interception, str], int]) -> None:
        """Do nothing yet."""
        self.stream = stream
        self._take = take
        self._original: Callable[[str], int] = stream.write
        self._way: Writable | None = None
        self._process = os.getpid()
        self._active = False

    past_descriptors = True
    """For the host: what is written here does not come back by the stream's descriptor."""

    def __call__(self, text: Any) -> int:
        """Be called as the stream's ``write``."""
        # A forked process must not draw, and the lock it would need may have been held at the fork.
        if self._active and isinstance(text, str) and os.getpid() == self._process:
            return self._take(self, text)
        return self._original(text)

    def install(self) -> bool:
        """Begin; refused (``False``) if another interception was there first."""
        # One atomic operation, as several threads may try.
        present = vars(self.stream).setdefault("write", self)
        if isinstance(present, Interception) and present is not self:
            return False
        self._way = own_way(self.stream)
        vars(self.stream)["write"] = self
        self._active = True
        return True

    def remove(self) -> None:
        """End; whoever still holds this interception as the stream's ``write`` goes straight to the stream."""
        self._active = False
        if vars(self.stream).get("write") is self:
            del vars(self.stream)["write"]
            if getattr(self._original, "__self__", None) is not self.stream:
                vars(self.stream)["write"] = self._original
        way, self._way = self._way, None
        if isinstance(way, _OwnWay):
            way.end()

    def write(self, text: str, /) -> int:
        """Write as if there were no interception."""
        way = self._way
        if way is None or way is self.stream:
            return self._original(text)
        written = way.write(text)
        way.flush()
        return written

    def flush(self) -> None:
        """Flush the stream."""
        self.stream.flush()


def drawable(stream: TextIO | None) -> io.TextIOWrapper | None:
    """Return ``stream`` if it is a terminal that understands cursor movements and can be intercepted."""
    if os.environ.get("TERM", "").lower() in ("dumb", "unknown"):
        return None
    if os.name == "nt" and "WT_SESSION" not in os.environ:
        # The old Windows console prints escape sequences as text.
        return None
    return terminal(stream)


def terminal(stream: TextIO | None) -> io.TextIOWrapper | None:
    """Return ``stream`` if it is a process's own stream, open, and a terminal; a tee over one is not."""
    if not isinstance(stream, io.TextIOWrapper):
        return None
    try:
        return stream if stream.isatty() and hasattr(stream, "__dict__") else None
    except ValueError:
        return None


def same_terminal(stream: io.TextIOWrapper) -> list[io.TextIOWrapper]:
    """Find the process's streams that appear on the terminal of ``stream``, that one first."""
    found = [stream]
    for candidate in (sys.stdout, sys.__stdout__, sys.stderr, sys.__stderr__):
        other = terminal(candidate)
        if other is not None and other not in found and _device(other) == _device(stream):
            found.append(other)
    return found


def _device(stream: io.TextIOWrapper) -> int:
    return os.fstat(stream.fileno()).st_rdev
