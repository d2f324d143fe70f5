"""The live display: lines that stay, and below them some that are drawn anew while runs go on.

What is drawn and where the cursor rests is chosen so that nothing is ever lost:

- The cursor rests above the live lines, on an empty one. Erasing is "clear from here on", whatever the terminal's width
  has become meanwhile. What others write past us (a worker process, a library in C) stays, at worst with the rest of a
  live line behind it. A killed process leaves nothing to repair: the cursor is visible, nothing is switched off.
- What this process prints appears above at once: the live lines are erased and put back as they were. Only a line that
  has no end yet is held back; it is shown as the first of the live lines.
- Lines are rendered on the display's own thread, ten times a second if there is something new, or when somebody prints.
  An event only puts its lines into a queue.
"""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Sequence
from threading import Event, RLock, Thread
from typing import TYPE_CHECKING

from plugbay_progress.rendering import Renderer
from plugbay_progress.streams import Interception, QuietStream, same_terminal

if TYPE_CHECKING:
    import io

    from plugbay_progress.journal import RunJournal
    from plugbay_progress.lines import Line

_INTERVAL = 0.1
"""Seconds between two looks at what is new."""
_ACTIVITIES = 6
_SUMMARIES = 4
_ERASE = "\r\x1b[J"


class Display:
    """The live lines of one terminal, for any number of runs at a time.

    :param stream: the terminal.
    """

    def __init__(self, stream: io.TextIOWrapper) -> None:
        """Draw nothing yet."""
        self._streams = [Interception(each, self._print_above) for each in same_terminal(stream)]
        self._terminal = self._streams[0]
        self._out = QuietStream(self._terminal)
        self._renderer = Renderer(stream.encoding)
        self._process = os.getpid()
        # Re-entrant, because a signal handler may print while its thread is drawing.
        self._lock = RLock()
        self._journals: dict[str, RunJournal] = {}
        self._queue: deque[Line] = deque()
        self._labels: dict[str, str] = {}
        self._frame: list[str] = []
        self._unended: dict[Interception, str] = {}
        self._drawn = ""
        self._over = Event()
        self._thread = Thread(target=self._redraw_until_over, name="plugbay-progress", daemon=True)

    @property
    def idle(self) -> bool:
        """Whether no run is shown."""
        return not self._journals

    def start(self) -> bool:
        """Take the terminal; refused (``False``) if another display has it."""
        if not self._terminal.install():
            return False
        for other in self._streams[1:]:
            other.install()
        # In case no run's end is ever told.
        atexit.register(self.stop)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Give the terminal back, without the live lines."""
        if self._over.is_set() or os.getpid() != self._process:
            return
        self._over.set()
        atexit.unregister(self.stop)
        # A thread that is stuck in a stopped terminal must not keep the process.
        self._thread.join(timeout=1)
        with self._lock:
            self._journals.clear()
            try:
                self._redraw()
            finally:
                self._let_go()

    def begin(self, journal: RunJournal) -> None:
        """Show a run from now on."""
        with self._lock:
            self._journals[journal.run.id] = journal
            if len(self._journals) > 1:
                # Once runs were shown together each keeps its label, or its last lines would seem to be another's.
                self._labels = {each.run.id: _label(each) for each in self._journals.values()}
            self._queue.extend(journal.begin())
            self._redraw()

    def tell(self, journal: RunJournal, lines: Sequence[Line]) -> None:
        """Show what came of an event, soon."""
        self._queue.extend(line for line in lines if line.kind != "started")

    def end(self, journal: RunJournal, lines: Sequence[Line]) -> None:
        """Show how a run ended, now."""
        with self._lock:
            self._journals.pop(journal.run.id, None)
            self._queue.extend(lines)
            self._redraw()

    def _redraw_until_over(self) -> None:
        while not self._over.wait(_INTERVAL):
            self._redraw()

    def _redraw(self) -> None:
        with self._lock:
            width, height = self._size()
            above = self._rendered_queue(width)
            journals = list(self._journals.values())[:_SUMMARIES]
            each = max(1, _ACTIVITIES // len(journals)) if journals else 0
            self._frame = self._renderer.frame(
                [journal.snapshot(each) for journal in journals], width, min(height, 10), self._labels
            )
            drawn = self._drawing(width, height)
            if above or drawn != self._drawn:
                self._out.write(self._erasure() + above + drawn)
                self._drawn = drawn

    def _print_above(self, stream: Interception, text: str) -> int:
        """Take what a step, or anybody else in this process, prints."""
        with self._lock:
            if self._over.is_set():
                return stream.write(text)
            ended, newline, rest = (self._unended.pop(stream, "") + text).rpartition("\n")
            if rest:
                # Of a line that is written over and over, as progress bars do, the last state will do.
                before, _, last = rest.rstrip("\r").rpartition("\r")
                self._unended[stream] = ("\r" if before else "") + last + "\r" * rest.endswith("\r")
            if newline:
                width, height = self._size()
                try:
                    above, drawn = self._rendered_queue(width), self._drawing(width, height)
                except Exception:  # noqa: BLE001  a display that fails must not fail the run
                    # Whoever prints must not suffer from what is wrong here, least of all who prints a traceback.
                    self._over.set()
                    self._let_go()
                    stream.write(ended + newline)
                    return len(text)
                self._out.write(self._erasure() + above)
                self._drawn = ""
                stream.write(ended + newline)
                stream.flush()
                self._drawn = drawn
                self._out.write(drawn)
            return len(text)

    def _let_go(self) -> None:
        self._out.write(self._erasure())
        self._drawn = ""
        for each in self._streams:
            each.remove()
        for each, text in self._unended.items():
            QuietStream(each).write(text)
        self._unended.clear()

    def _rendered_queue(self, width: int) -> str:
        lines = []
        while self._queue:
            line = self._queue.popleft()
            lines.append(self._renderer.line(line, width, self._labels.get(line.run.id, "")))
        return "".join(lines)

    def _drawing(self, width: int, height: int) -> str:
        """Draw the live lines and go back to the empty one above them."""
        unended = [self._renderer.unfinished(text, width) for text in self._unended.values()]
        rows = (unended + self._frame)[: height if self._frame else 0]
        return "\x1b[0m" + "".join(f"\n{row}" for row in rows) + f"\x1b[{len(rows)}A\r" if rows else ""

    def _erasure(self) -> str:
        return _ERASE if self._drawn else ""

    def _size(self) -> tuple[int, int]:
        """Columns and lines that may be drawn on: a full line or screen would make the terminal wrap or scroll."""
        try:
            columns, lines = os.get_terminal_size(self._terminal.stream.fileno())
        except (OSError, ValueError):
            columns, lines = 80, 24
        return max(20, (columns or 80) - 1), max(1, (lines or 24) - 2)


def _label(journal: RunJournal) -> str:
    return f"{journal.run.pipeline} {journal.run.id[-4:]}"
