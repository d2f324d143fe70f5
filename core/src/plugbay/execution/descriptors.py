"""Descriptors 1 and 2 of this process: while a step runs alone in it they lead to the step's log, and on to where they led.

What is written there, by C libraries and child processes as well, goes to a :mod:`spool <plugbay.execution.spools>` and is
brought over: by whoever prints the next line, so that the log has all in order, else by a thread that looks every few
milliseconds. A pipe that a thread of this process reads would stop a library that prints while it keeps the interpreter.
"""

from __future__ import annotations

import atexit
import io
import os
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from plugbay.execution.log_files import TextLog
from plugbay.execution.spools import Spool
from plugbay.masking import Veil, any_hidden, masked_bytes, when_first_hidden

_PAUSE = 0.025
"""Seconds between two looks at the spool."""
_IDLE = 40
"""Looks without a step after which the thread ends."""
_PART = 1 << 20
"""Bytes that are brought over at a time."""


class Descriptors:
    """Those of this process."""

    def __init__(self) -> None:
        """Leave them as they are."""
        self.handle = -1
        """Of the spool while a step is captured."""
        self.seen = 0
        """Up to where the spool was brought over."""
        self.forked = False
        """Whether this is a process that a step has forked: its parent brings over what it writes."""
        self.hard = False
        """Whether text takes another way because of that, or because there are secrets to hide."""
        self._lock = threading.RLock()
        self._busy = False
        self._log: TextLog | None = None
        self._spool: Spool | None = None
        self._left: list[Spool] = []
        self._opened: tuple[int, int] = (-1, -1)
        self._saved: dict[int, int] = {}
        self._closed: set[int] = set()
        self._streams: dict[int, io.TextIOWrapper] = {}
        self._displays: dict[int, Any] = {}
        self._line_buffering: list[io.TextIOWrapper] = []
        self._veil = Veil()
        self._quiet = False
        self._thread: threading.Thread | None = None
        when_first_hidden(self._lose_names)
        atexit.register(self._flush)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._flush, after_in_child=self._in_child)

    @property
    def active(self) -> bool:
        """Whether a step is captured."""
        return self._log is not None

    def begin(self, log: TextLog, *, quiet: bool) -> bool:
        """Let the descriptors lead to ``log``; ``False`` where there is no place for a spool.

        :param quiet: and nowhere else.
        """
        if self.forked or os.name == "nt":
            return False
        try:
            spool = self._spool_for(log.run_id)
        except OSError:
            return False
        originals = _standard_streams()
        for stream in originals:
            with suppress(OSError, ValueError):
                stream.flush()
        same = True
        self._closed = set()
        for number in (1, 2):
            try:
                saved = self._saved.get(number)
                if saved is None:
                    self._saved[number] = os.dup(number)
                else:
                    os.dup2(number, saved, inheritable=False)
            except OSError:
                self._closed.add(number)
        if not quiet and not self._closed:
            one, two = os.fstat(1), os.fstat(2)
            same = (one.st_dev, one.st_ino) == (two.st_dev, two.st_ino)
        with self._lock:
            try:
                self._opened = spool.begin(log.name, two=not same)
            except OSError:
                return False
            for number, opened in zip((1, 2), self._opened, strict=True):
                os.dup2(opened, number)
            self._line_buffering = []
            for stream in originals:
                if not stream.line_buffering:
                    with suppress(OSError, ValueError):
                        stream.reconfigure(line_buffering=True)
                        self._line_buffering.append(stream)
            self._spool, self._quiet = spool, quiet
            self.seen, self.handle, self._log = spool.seen, spool.handle, log
        self._look_now_and_then()
        return True

    def end(self) -> None:
        """Bring over what is left, and let the descriptors lead to where they led before."""
        if self.forked:
            return
        for stream in _standard_streams():
            with suppress(OSError, ValueError):
                stream.flush()
        with self._lock:
            self.bring()
            self._show(1, self._veil.rest())
            for number in (1, 2):
                if number in self._closed:
                    with suppress(OSError):
                        os.close(number)
                else:
                    os.dup2(self._saved[number], number)
            for stream in self._line_buffering:
                with suppress(OSError, ValueError):
                    stream.reconfigure(line_buffering=False)
            self.bring()  # what was written meanwhile
            for opened in {*self._opened}:
                os.close(opened)
            spool = self._spool
            self._log, self.handle = None, -1
            if spool is not None and not spool.renewed():
                self._left.append(spool)
                self._spool = None
        self._flush()

    def bring(self) -> None:
        """Bring over what has come, and show it where the descriptors led before."""
        with self._lock:
            log, spool = self._log, self._spool
            if log is None or spool is None or self._busy or self.forked:
                return
            self._busy = True
            try:
                while (end := os.lseek(spool.handle, 0, os.SEEK_END)) != spool.seen:
                    if end < spool.seen:
                        spool.emptied()
                    for number, size in self._writers(spool.seen, end):
                        self._bring_part(spool, number, size)
            finally:
                self._busy = False

    def _bring_part(self, spool: Spool, number: int, size: int) -> None:
        while size > 0:
            data = os.pread(spool.handle, min(size, _PART), spool.seen)
            if not data:  # somebody has truncated the file
                self.seen = spool.seen
                return
            size -= len(data)
            spool.brought(len(data))
            self.seen = spool.seen
            self._show(number, self._veil.masked(data) if any_hidden() else data)

    def _show(self, number: int, data: bytes) -> None:
        if data:
            if self._log is not None:
                self._log.put_bytes(data)
            if not self._quiet:
                self._forward(number, data)

    def _writers(self, start: int, end: int) -> list[tuple[int, int]]:
        """Tell who wrote what is between: which descriptor, and how many bytes.

        The last write of each ends where its own position is. What lies before both is taken for that of the first.
        """
        first, second = self._opened
        if first == second:
            return [(1, end - start)]
        places = sorted(
            (place, number)
            for number, opened in ((1, first), (2, second))
            if start < (place := os.lseek(opened, 0, os.SEEK_CUR)) <= end
        )
        if not places:
            return [(1, end - start)]
        (place, number), (_, other) = places[0], places[-1]
        return [(number, place - start), (other, end - place)]

    def _forward(self, number: int, data: bytes) -> None:
        display = self._displays.get(number)
        if display is not None:
            with suppress(OSError, ValueError):
                display(data.decode("utf-8", "backslashreplace"))
            return
        with suppress(OSError, ValueError):
            if number in self._streams:
                self._streams[number].flush()
        if number not in self._closed:
            _write_all(self._saved[number], data)

    def stream(self, original: object, number: int) -> Any:
        """What text is to be written to that would go to descriptor ``number`` by ``original``; ``None``: to that, after all.

        A display that draws on the terminal, and has its own way there, is given the text.
        """
        display = getattr(original, "__dict__", {}).get("write")
        if display is not None:
            if not getattr(display, "past_descriptors", False):
                return None
            self._displays[number] = display
            return original
        self._displays.pop(number, None)
        if type(original) is not io.TextIOWrapper or number in self._closed:
            return None
        stream = self._streams.get(number)
        wanted = (original.encoding, original.errors, original not in self._line_buffering, original.write_through)
        if stream is None or wanted != (stream.encoding, stream.errors, stream.line_buffering, stream.write_through):
            raw = io.BufferedWriter(io.FileIO(self._saved[number], "w", closefd=False))
            stream = self._streams[number] = io.TextIOWrapper(
                raw, wanted[0], wanted[1], line_buffering=wanted[2], write_through=wanted[3]
            )
        return stream

    def tell(self, text: str) -> None:
        """Write a line of Plugbay's own to where standard error leads, or led before it led to the log; from any thread."""
        stream = sys.__stderr__
        display = getattr(stream, "__dict__", {}).get("write")
        with suppress(OSError, ValueError):
            if display is not None:
                display(text)
            elif self.active and 2 not in self._closed:
                _write_all(self._saved[2], text.encode())
            elif stream is not None:
                stream.write(text)
                stream.flush()

    def _flush(self) -> None:
        """Send on what text was written, at the end of a step, and before a process is forked that would do it again."""
        for number, stream in list(self._streams.items()):
            try:
                stream.flush()
            except (OSError, ValueError):  # nobody reads it any more
                del self._streams[number]
                with suppress(OSError, ValueError):
                    nowhere = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(nowhere, self._saved[number], inheritable=False)
                    os.close(nowhere)
                    stream.flush()
        if self._log is not None:
            self.bring()

    def _spool_for(self, run_id: str) -> Spool:
        spool = self._spool
        if spool is not None and spool.run_id == run_id:
            return spool
        if spool is not None:
            self._spool = None
            spool.close()
        return Spool(run_id)

    def leave(self) -> None:
        """Remove what was kept for the next step of a run."""
        with self._lock:
            spool = self._spool
            if spool is not None and self._log is None:
                self._spool = None
                spool.close()

    def _lose_names(self) -> None:
        self.hard = True
        with self._lock:
            self.bring()
            if self._spool is not None:
                self._spool.lose_name()

    def _look_now_and_then(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._look, name="plugbay-descriptors", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is about to end, or there are too many
                self._thread = None

    def _look(self) -> None:
        idle = 0
        while idle < _IDLE:
            time.sleep(_PAUSE)
            with self._lock:
                idle = 0 if self._log is not None or self._left else idle + 1
                if idle >= _IDLE:
                    self._thread = None
            with suppress(OSError, ValueError):
                self.bring()
            for spool in list(self._left):
                with suppress(OSError):
                    self._show_late(spool)

    def _show_late(self, spool: Spool) -> None:
        """Show what comes from a process that a step has left behind; it belongs to no log any more."""
        over = spool.abandoned()
        while data := os.pread(spool.handle, _PART, spool.seen):
            spool.brought(len(data))
            if not self._quiet:
                _write_all(self._saved.get(1, 1), masked_bytes(data))
        if over:
            self._left.remove(spool)
            spool.close()

    def _in_child(self) -> None:
        self._lock = threading.RLock()
        self._thread = None
        if self._log is not None:
            self.forked = self.hard = True


def _standard_streams() -> list[io.TextIOWrapper]:
    found: list[io.TextIOWrapper] = []
    for stream in (sys.__stdout__, sys.__stderr__):
        if type(stream) is io.TextIOWrapper and not stream.closed:
            found.append(stream)
    return found


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(handle, view) :]
        except BlockingIOError:
            time.sleep(_PAUSE)
        except OSError:
            return


process = Descriptors()
"""They are the process's, so is this."""
