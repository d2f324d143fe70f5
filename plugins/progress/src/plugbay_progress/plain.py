"""Lines for a log: no control codes, one thing per line, words that stay the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

from plugbay_progress import wording

if TYPE_CHECKING:
    from plugbay_progress.journal import RunJournal
    from plugbay_progress.lines import Line
    from plugbay_progress.streams import QuietStream

_SILENCE = 10.0
"""Seconds without a line after which even an event that needs none gets one: who reads a log wants to see life."""


class PlainReport:
    """Writes the lines of a run one by one.

    :param stream: where to.
    :param clock: seconds, from any start.
    :param name_the_run: tells whether lines about steps must say which run they belong to.
    """

    def __init__(self, stream: QuietStream, clock: Callable[[], float], name_the_run: Callable[[], bool]) -> None:
        """Write nothing yet."""
        self._stream = stream
        self._clock = clock
        self._name_the_run = name_the_run
        self._last = clock()
        self._lock = Lock()

    def begin(self, journal: RunJournal) -> None:
        """Show that a run has begun."""
        self.tell(journal, journal.begin())

    def tell(self, journal: RunJournal, lines: Sequence[Line]) -> None:
        """Show what came of an event."""
        now = self._clock()
        if not lines and now - self._last < _SILENCE:
            return
        suffix = f" (run {journal.run.id})" if self._name_the_run() else ""
        sentences = [sentence(line) + ("" if line.kind.startswith("run") else suffix) for line in lines]
        with self._lock:
            self._last = now
            self._stream.write("".join(f"{words}\n" for words in sentences or [sign_of_life(journal)]))

    def end(self, journal: RunJournal, lines: Sequence[Line]) -> None:
        """Show how a run ended."""
        self.tell(journal, lines)
        self._stream.close()


def sign_of_life(journal: RunJournal) -> str:
    """Say in one line where a run stands."""
    now = journal.snapshot(most=3)
    words = f"run {now.run.id} has done {now.done} of {wording.counted(now.run.steps, 'step')}"
    mapped = [f"{each.step} {each.calls_done} of {each.calls} calls" for each in now.activities if each.calls]
    return ", ".join([words, *mapped])


def sentence(line: Line) -> str:
    """Put a line in words."""
    run = line.run
    match line.kind:
        case "run started":
            resumed = "resumed, " if run.resumed else ""
            steps = wording.counted(run.steps, "step")
            return f"run {run.id} {run.pipeline} on stack {run.stack}: {resumed}{steps}"
        case "run finished":
            words = [f"run {run.id} {line.message}{_took(line)}"]
            words += [counts] if (counts := wording.tally(line.counts or {})) else []
            words += [f"{line.step}: {line.error}" if line.step else line.error] if line.error else []
            return ": ".join(words[:2]) + "".join(f" ({error})" for error in words[2:])
        case "only counted":
            return f"from here on, steps {line.message} are only counted"
    if line.counts is not None:
        calls = wording.counted(sum(line.counts.values()), "call")
        parts = f": {wording.tally(line.counts)}" if len(line.counts) > 1 else ""
        return f"step {line.step} {line.kind}{_took(line)}, {calls}{parts}"
    again = f" (attempt {line.attempt})" if line.kind == "started" and line.attempt > 1 else ""
    origin = f" from run {line.message}" if line.kind == "cached" else ""
    message = f": {line.message}" if line.message and not origin else ""
    return f"step {line.step} {line.kind}{again}{origin}{_took(line)}{message}"


def _took(line: Line) -> str:
    if line.seconds is None:
        return ""
    return f" in {wording.delay(line.seconds) if line.kind == 'retrying' else wording.exact(line.seconds)}"
