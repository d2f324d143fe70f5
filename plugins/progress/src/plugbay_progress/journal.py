"""What the events of one run add up to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING

from attrs import define, field, frozen

from plugbay_progress import wording
from plugbay_progress.lines import Activity, Ending, Kind, Line, Snapshot

if TYPE_CHECKING:
    from plugbay_hookspecs.types import CacheSource, ErrorInfo, RunInfo, RunOutcome, StepInfo


@frozen
class _Attempt:
    number: int
    since: float
    until: float | None = None
    """When the next attempt starts, while the step waits for it."""


@define
class _Calls:
    """The calls of a mapped step: ``train.0``, ``train.1``, ..."""

    since: float
    open: set[str] = field(factory=set)
    ended: Counter[Ending] = field(factory=Counter)

    def how_ended(self) -> Ending:
        """Choose the ending that stands for them all."""
        if self.ended["failed"]:
            return "failed"
        if self.ended["cancelled"]:
            return "cancelled"
        endings: tuple[Ending, ...] = ("cached", "skipped")
        return next((ending for ending in endings if self.ended[ending] == self.ended.total()), "succeeded")


class RunJournal:
    """Follows one run and says what is worth a line.

    Every method that takes an event returns the lines to show for it, often none. Events may come from any thread.

    :param run: the run.
    :param clock: seconds, from any start.
    :param longest: how many lines of one kind are shown; what comes after is only counted.
    """

    def __init__(self, run: RunInfo, clock: Callable[[], float], longest: int) -> None:
        """Begin with nothing done."""
        self.run = run
        self._clock = clock
        self._longest = longest
        self._began = clock()
        self._lock = Lock()
        self._running: dict[str, _Attempt] = {}
        self._ended: Counter[Ending] = Counter()
        self._mapped: dict[str, _Calls] = {}
        # Mapped steps whose known calls have all ended, and when. More calls may follow, so their line waits until the
        # run turns to something else.
        self._settled: dict[str, float] = {}
        self._shown: Counter[Kind] = Counter()

    def begin(self) -> list[Line]:
        """Show the line that a run begins with."""
        return [Line(kind="run started", run=self.run)]

    def queued(self, step: StepInfo) -> list[Line]:
        """Take :func:`step_queued`: it makes a mapped step's calls known before they start."""
        with self._lock:
            name, calls = self._place(step)
            lines = self._turn_to(name)
            if calls is not None:
                self._reopen(name, calls, step.step)
            return lines

    def started(self, step: StepInfo) -> list[Line]:
        """Take :func:`step_started`."""
        with self._lock:
            name, calls = self._place(step)
            lines = self._turn_to(name)
            if calls is not None:
                self._reopen(name, calls, step.step)
            elif name not in self._mapped:
                self._running[name] = _Attempt(step.attempt, self._clock())
                lines += self._show(Line(kind="started", run=self.run, step=name, attempt=step.attempt))
            return lines

    def retrying(self, step: StepInfo, error: ErrorInfo, delay: float) -> list[Line]:
        """Take :func:`step_retrying`."""
        message = wording.one_line(str(error))
        with self._lock:
            name, calls = self._place(step)
            lines = self._turn_to(name)
            if calls is None:
                now = self._clock()
                # Taken out first: it goes behind those that have been running for longer.
                self._running.pop(name, None)
                self._running[name] = _Attempt(step.attempt + 1, now, until=now + delay)
            return lines + self._show(
                Line(
                    kind="retrying", run=self.run, step=step.step, attempt=step.attempt, seconds=delay, message=message
                )
            )

    def cached(self, step: StepInfo, source: CacheSource) -> list[Line]:
        """Take :func:`step_cached`."""
        return self._end(step, "cached", None, source.run_id)

    def skipped(self, step: StepInfo, reason: str) -> list[Line]:
        """Take :func:`step_skipped`."""
        return self._end(step, "skipped", None, wording.one_line(reason))

    def succeeded(self, step: StepInfo, seconds: float) -> list[Line]:
        """Take :func:`step_succeeded`."""
        return self._end(step, "succeeded", seconds, "")

    def failed(self, step: StepInfo, error: ErrorInfo, seconds: float) -> list[Line]:
        """Take :func:`step_failed`."""
        return self._end(step, "failed", seconds or None, wording.one_line(str(error)))

    def cancelled(self, step: StepInfo, seconds: float) -> list[Line]:
        """Take :func:`step_cancelled`."""
        return self._end(step, "cancelled", seconds, "")

    def finish(self, outcome: RunOutcome) -> list[Line]:
        """Take :func:`run_finished`: what is left to say, the run's end last."""
        with self._lock:
            lines = self._turn_to(None)
            counts: dict[str, int] = {ending: self._ended[ending] for ending in _ENDINGS}
            for calls in self._mapped.values():
                if not calls.open:
                    counts[calls.how_ended()] += 1
            counts["unfinished"] = len(self._running) + sum(bool(calls.open) for calls in self._mapped.values())
            end = Line(
                kind="run finished",
                run=self.run,
                step=outcome.failed_step or "",
                seconds=outcome.seconds,
                message=outcome.status,
                error=wording.one_line(str(outcome.error)) if outcome.error else "",
                counts=counts,
            )
            return [*lines, end]

    def snapshot(self, most: int) -> Snapshot:
        """Tell where the run stands now.

        :param most: how many activities to describe.
        """
        with self._lock:
            now = self._clock()
            open_steps = [name for name, calls in self._mapped.items() if calls.open or name in self._settled]
            described = tuple(islice(self._activities(open_steps, now), most))
            failures = sum(1 for calls in self._mapped.values() if calls.ended["failed"])
            return Snapshot(
                run=self.run,
                seconds=now - self._began,
                done=self._ended.total() + sum(not calls.open for calls in self._mapped.values()),
                failed=self._ended["failed"] + failures,
                activities=described,
                more=len(open_steps) + len(self._running) - len(described),
            )

    def _activities(self, mapped: list[str], now: float) -> Iterator[Activity]:
        for name in mapped:
            calls = self._mapped[name]
            done = calls.ended.total()
            yield Activity(
                step=name,
                seconds=now - calls.since,
                attempt=1,
                calls_done=done,
                calls=done + len(calls.open),
                calls_failed=calls.ended["failed"],
            )
        for name, attempt in self._running.items():
            waiting = attempt.until is not None and attempt.until > now
            seconds = attempt.until - now if waiting and attempt.until is not None else now - attempt.since
            yield Activity(step=name, seconds=seconds, attempt=attempt.number, waiting=waiting)

    def _place(self, step: StepInfo) -> tuple[str, _Calls | None]:
        """Find the planned step's id, and its calls if this is one of them."""
        name, dot, number = step.step.rpartition(".")
        if not (dot and name and number.isdecimal()):
            return step.step, None
        calls = self._mapped.get(name)
        if calls is None:
            # The mapped step itself may have been announced before its calls: from here on they stand for it.
            earlier = self._running.pop(name, None)
            calls = self._mapped[name] = _Calls(earlier.since if earlier else self._clock())
        return name, calls

    def _reopen(self, name: str, calls: _Calls, call: str) -> None:
        calls.open.add(call)
        self._settled.pop(name, None)

    def _turn_to(self, name: str | None) -> list[Line]:
        """Show the mapped steps that are over now that something else (``name``) happens."""
        lines = []
        for settled in [other for other in self._settled if other != name]:
            calls = self._mapped[settled]
            seconds = self._settled.pop(settled) - calls.since
            lines.append(
                Line(kind=calls.how_ended(), run=self.run, step=settled, seconds=seconds, counts=_in_order(calls.ended))
            )
        return lines

    def _end(self, step: StepInfo, ending: Ending, seconds: float | None, message: str) -> list[Line]:
        with self._lock:
            name, calls = self._place(step)
            lines = self._turn_to(name)
            if calls is not None:
                calls.open.discard(step.step)
                calls.ended[ending] += 1
                if not calls.open:
                    self._settled[name] = self._clock()
                if ending != "failed":
                    return lines
            elif name in self._mapped:
                # The mapped step itself: its calls were counted already.
                return self._turn_to(None)
            else:
                self._running.pop(name, None)
                self._ended[ending] += 1
            return lines + self._show(
                Line(kind=ending, run=self.run, step=step.step, seconds=seconds, message=message, attempt=step.attempt)
            )

    def _show(self, line: Line) -> list[Line]:
        self._shown[line.kind] += 1
        if self._shown[line.kind] <= self._longest:
            return [line]
        if self._shown[line.kind] == self._longest + 1:
            return [Line(kind="only counted", run=self.run, message=line.kind)]
        return []


_ENDINGS: tuple[Ending, ...] = ("succeeded", "cached", "failed", "cancelled", "skipped")


def _in_order(counts: Counter[Ending]) -> dict[str, int]:
    return {ending: counts[ending] for ending in _ENDINGS if counts[ending]}
