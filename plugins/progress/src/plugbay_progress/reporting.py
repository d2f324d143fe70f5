"""Which runs are followed, and where each is shown."""

from __future__ import annotations

import sys
import time
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from attrs import define, field, frozen

from plugbay_progress.journal import RunJournal
from plugbay_progress.plain import PlainReport
from plugbay_progress.streams import QuietStream, drawable, own_way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plugbay_hookspecs.types import RunInfo, RunOutcome
    from plugbay_progress.display import Display
    from plugbay_progress.lines import Line

_LINES_PER_KIND_LIVE = 100
_LINES_PER_KIND_PLAIN = 1000


class Report(Protocol):
    """Where a run is shown."""

    def begin(self, journal: RunJournal) -> None:
        """Show that a run has begun."""

    def tell(self, journal: RunJournal, lines: Sequence[Line]) -> None:
        """Show what came of an event."""

    def end(self, journal: RunJournal, lines: Sequence[Line]) -> None:
        """Show how a run ended."""


@frozen
class FollowedRun:
    """A run between its first event and its last."""

    journal: RunJournal
    report: Report

    def tell(self, lines: Sequence[Line]) -> None:
        """Show what came of an event."""
        self.report.tell(self.journal, lines)


@define(eq=False)
class FollowedRuns:
    """The runs that go on, in any number of threads."""

    _runs: dict[str, FollowedRun] = field(init=False, factory=dict)
    _display: Display | None = field(init=False, default=None)
    _lock: Lock = field(init=False, factory=Lock)

    def get(self, run_id: str) -> FollowedRun | None:
        """Look up a run; ``None`` if its start was not seen."""
        return self._runs.get(run_id)

    def begin(self, run: RunInfo, *, plain: bool) -> None:
        """Follow a run.

        :param plain: write plain lines even on a terminal.
        """
        with self._lock:
            display = None if plain else self._open_display()
            if display is None:
                report: Report = PlainReport(
                    QuietStream(own_way(sys.stderr)), time.monotonic, lambda: len(self._runs) > 1
                )
                journal = RunJournal(run, time.monotonic, _LINES_PER_KIND_PLAIN)
            else:
                report = display
                journal = RunJournal(run, time.monotonic, _LINES_PER_KIND_LIVE)
            self._runs[run.id] = FollowedRun(journal, report)
            report.begin(journal)

    def finish(self, run: RunInfo, outcome: RunOutcome) -> None:
        """Show a run's end, and give the terminal back after the last one."""
        with self._lock:
            followed = self._runs.pop(run.id, None)
            if followed is None:
                return
            try:
                followed.report.end(followed.journal, followed.journal.finish(outcome))
            finally:
                if self._display is not None and self._display.idle:
                    self._display.stop()
                    self._display = None

    def _open_display(self) -> Display | None:
        """Find the display that these runs share, if there can be one."""
        if self._display is not None:
            return self._display
        stream = drawable(sys.stderr)
        if stream is None:
            return None
        # Here and no earlier: it imports rich, which only a terminal needs.
        from plugbay_progress.display import Display

        display = Display(stream)
        # Two observers of two stacks may meet on one terminal: the second one's plain lines go through the first one's
        # display, as all that is printed does.
        self._display = display if display.start() else None
        return self._display
