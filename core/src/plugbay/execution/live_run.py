"""The live run: what an orchestrator drives. What starts when, caching, retries and the failure policy are decided here."""

from __future__ import annotations

import functools
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, cast

from attrs import evolve, frozen

from plugbay.execution.attempt import Finished, execute_attempt, record_lost
from plugbay.execution.caching import Answers
from plugbay.execution.exits import ExitsFail
from plugbay.execution.failures import StepCancelled, StepTimeout, WorkerLost, call_guarded
from plugbay.execution.keys import NO_KEY, Key, Keys
from plugbay.execution.progress import Progress
from plugbay.execution.ready_step import Attempt, Shipping
from plugbay.execution.schedule import Call, Schedule, UnmappableError
from plugbay.execution.session import Session
from plugbay.execution.tasks import Task
from plugbay.execution.timing import Timing, retry_delay
from plugbay.pipelines.compiled import Compiled
from plugbay.store.documents import AttemptRecord, StepImage, read
from plugbay.store.layout import attempt_key
from plugbay_hookspecs.types import Plan, PlannedStep, ReadyStep

if TYPE_CHECKING:
    from plugbay.execution.interruption import Interruption
    from plugbay.execution.jobs import Jobs
    from plugbay.execution.renewal import Renewal
    from plugbay.store.documents import InHand
    from plugbay.store.ownership import Ownership

_log = logging.getLogger("plugbay")
_WAKE = object()


@frozen
class Began:
    """An attempt that is not over: it is being executed."""

    at: float
    """Seconds since the epoch."""


@frozen
class Broken:
    """What kept an attempt from being recorded at all: the store failed, or the orchestrator, and not the step."""

    error: Exception


def _attempt(step: object, method: str) -> Attempt:
    if not isinstance(step, Attempt):
        msg = f"{method}(step, ...): the step must be one that ready() has given, not {step!r:.80}"
        raise TypeError(msg)
    return step


class LiveRun:
    """A run in progress; see ``plugbay_hookspecs.types.LiveRun``.

    All state belongs to the thread that iterates :meth:`ready`. Other threads only put completions into a queue.
    """

    def __init__(
        self,
        run_id: str,
        compiled: Compiled,
        session: Session,
        interruption: Interruption,
        ownership: Ownership,
        *,
        use_cache: bool,
        kept: Mapping[str, AttemptRecord] | None = None,
        attempts: Mapping[str, int] | None = None,
        unrecorded: int = 0,
        images: Mapping[str, StepImage] | None = None,
    ) -> None:
        """Begin, or go on with, a run.

        :param kept: the records of calls that have succeeded already, by call id.
        :param attempts: how many attempts each call has had already.
        :param unrecorded: how many attempts of a call earlier drivers may have begun, or still be making, beside those.
        :param images: what steps run in, by step id.
        """
        self.id = run_id
        self.plan: Plan = compiled.plan
        self.schedule = Schedule(compiled.plan)
        self.progress = Progress(run_id, compiled, self.schedule, session.stack.host)
        self._compiled, self._session, self._interruption = compiled, session, interruption
        self._ownership = ownership
        self._store = session.stack.artifact_store
        self.answers = Answers(self._store, session.artifacts)
        self._keys = Keys(compiled)
        self._key_of: dict[str, Key] = {}
        self._reused: dict[str, Call] = {}
        self._shipping = Shipping(run_id, session.stack, compiled.code)
        self._operated = any(step.operator is not None for step in self.plan.steps)
        self._resumed = kept is not None
        self._use_cache = use_cache
        self._kept = dict(kept or {})
        self._attempts = dict(attempts or {})
        self._unrecorded = unrecorded
        self._images = dict(images or {})
        self._queue: deque[Call] = deque()
        self._timing = Timing()
        self._in_flight: dict[str, Attempt] = {}
        self._first_attempt: dict[str, int] = {}
        self._cancels: dict[str, Callable[[], None]] = {}
        self._overdue: set[str] = set()
        self._ended_by_us: set[str] = set()
        self._waiters: dict[str, list[Call]] = {}
        self._completions: SimpleQueue[Any] = SimpleQueue()
        self._stopping = False
        interruption.wake = lambda: self._completions.put(_WAKE)
        ownership.in_hand = self._in_hand

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the run to stop."""
        return self._interruption.requested

    # -- what an orchestrator calls --------------------------------------------------------------------------------

    def ready(self, limit: int | None = None) -> Iterator[ReadyStep]:
        """Yield each attempt when it can start; block while nothing can; end when the run is over."""
        for attempts in self.ready_together(1, limit):
            yield from attempts

    def ready_together(self, most: int, limit: int | None = None) -> Iterator[Sequence[ReadyStep]]:
        """Yield the attempts that can start now, at most so many at once; block while none can; end when the run is over."""
        while True:
            self._take_completions(block=False)
            if self.cancelled and not self._stopping:
                self._stop()
                self._cancel_in_flight()
            self._enforce_deadlines()
            self._collect()
            attempts: list[ReadyStep] = []
            call = self._next(limit)
            while call is not None and not self._answered(call):
                if not self._may_begin(call):
                    break
                attempt = self._begin(call)
                if call.step.operator is not None:
                    self._jobs.start(attempt)
                    break
                attempts.append(cast(ReadyStep, attempt))
                call = self._next(limit) if len(attempts) < most else None
            if attempts:
                yield attempts
                self._keys.look_again()
            elif call is not None:
                continue
            elif not self._in_flight and not self._queue and not self._timing.waiting:
                return
            else:
                self._take_completions(block=True)

    def execute(self, step: ReadyStep) -> None:
        """Execute the attempt in this process and complete it."""
        attempt = cast(Attempt, step)
        self._ownership.reap()
        outcome: Finished | BaseException | Broken
        try:
            with self._interruption.inline(), ExitsFail():
                task = attempt.task if attempt.task.image is None else evolve(attempt.task, image=None)  # it runs here
                function = self._compiled.steps.get(attempt.call.step.id)
                outcome = execute_attempt(task, self._session, function, cancelled=lambda: self.cancelled)
        except StepCancelled as error:  # while the attempt was being recorded; the store tells whether it was
            self._ended_by_us.add(attempt.call.id)
            outcome = error
        except Exception as error:  # noqa: BLE001  whichever thread this is, the run must end with it and not hang
            outcome = Broken(error)
        self._completions.put((attempt, outcome))

    def submitted(self, step: ReadyStep, cancel: Callable[[], None], *, queued: bool = False) -> None:
        """Tell how to end the attempt, whose timeout counts from now unless it is queued."""
        attempt = _attempt(step, "submitted")
        attempt.queued = queued
        self._cancels[attempt.call.id] = cancel
        if attempt.timeout is not None and not queued:
            self._timing.limit(attempt.call.id, attempt.timeout)
        if self.cancelled:
            cancel()

    def started(self, step: ReadyStep) -> None:
        """Tell that the attempt is being executed from now on, and its timeout counts."""
        self._completions.put((_attempt(step, "started"), Began(time.time())))

    def complete(self, step: ReadyStep, result: bytes | BaseException | None = None) -> None:
        """Tell that the attempt is over."""
        attempt, outcome = _attempt(step, "complete"), cast(object, result)
        if outcome is not None and not isinstance(outcome, (bytes, BaseException)):
            msg = (
                "complete(step, result): the result must be the bytes that the step's payload has returned, an exception, or"
                f" None where the step was executed here, not {outcome!r:.80}"
            )
            outcome = Broken(TypeError(msg))  # what is raised in a callback of an engine may be lost
        self._completions.put((attempt, outcome))

    @functools.cached_property
    def _jobs(self) -> Jobs:
        from plugbay.execution.jobs import Jobs  # only a plan that names step operators needs it

        return Jobs(
            self._session.stack,
            lambda attempt, cancel: self.submitted(cast(ReadyStep, attempt), cancel, queued=True),
            lambda attempt: self.started(cast(ReadyStep, attempt)),
            lambda attempt, error: self.complete(cast(ReadyStep, attempt), error),
            resumed=self._resumed,
        )

    def _in_hand(self) -> InHand:
        from plugbay.execution.in_hand import in_hand  # few runs last long enough to be looked at

        return in_hand(
            self._in_flight.copy().values(),
            self._queue.copy(),
            self._timing.retries(),
            self.schedule.summaries.copy(),
            number=self._next_number,
        )

    # -- starting --------------------------------------------------------------------------------------------------

    def _next(self, limit: int | None) -> Call | None:
        """Take the first call from the queue that may start; what a step operator runs takes no room here."""
        running = len(self._in_flight)
        if self._operated:
            running -= sum(1 for attempt in self._in_flight.values() if attempt.call.step.operator is not None)
        if self._queue and (limit is None or running < max(1, limit)):
            return self._queue.popleft()
        for index, call in enumerate(self._queue if self._operated else ()):
            if call.step.operator is not None:
                del self._queue[index]
                return call
        return None

    def _collect(self) -> None:
        """Queue what can start now: steps whose needs are met, and retries whose delay is over."""
        if self._stopping:
            return
        self._queue.extend(self._timing.due())
        while steps := self.schedule.next_steps():  # again, because a map over an empty list is done at once
            for step in steps:
                self._queue_calls(step)

    def _queue_calls(self, step: PlannedStep) -> None:
        if self._stopping:
            return
        try:
            calls = self.schedule.calls_of(step)
        except UnmappableError as error:
            self.progress.step_failed(step, error)
            self._apply_policy()
            return
        for call in calls:
            self.progress.queued(call, self._next_number(call))
        self._queue.extend(calls)

    def _answered(self, call: Call) -> bool:
        """Answer a call without an attempt, or have it wait for one like it that is in flight."""
        kept = self._kept.pop(call.id, None)
        if kept is not None and self._keys.can_be_read(kept.outputs):
            # a driver that was killed may not have got to it; nor to see whether files had changed
            if not self._keys.of(call).files:
                self.answers.add(kept)
            self.progress.kept(call, kept)
            self._reused[call.id] = call
            if call.step.operator is not None:
                self._jobs.clean(call.step.operator, self.progress.info(call, kept.attempt))
            return True
        key = self._key_of[call.id] = self._keys.of(call)
        fingerprint = key.fingerprint
        if fingerprint is None or not self._use_cache or self._attempts.get(call.id) or self._is_renewed(call):
            return False
        if fingerprint in self._waiters:
            self._waiters[fingerprint].append(call)
            return True
        entry = self.answers.find(fingerprint, call.id)
        if entry is None or not self._keys.hold(entry.outputs):
            return False
        del self._key_of[call.id]
        self.progress.cached(call, entry)
        self._reused[call.id] = call
        return True

    def _may_begin(self, call: Call) -> bool:
        """Whether this process still drives the run; before a further attempt of a call, not to go by an earlier look.

        So a driver that was replaced begins at most one attempt of a call that the next one does not know of.
        """
        return self._ownership.holds(surely=call.id in self._first_attempt)

    def _next_number(self, call: Call) -> int:
        unrecorded = 0 if call.id in self._first_attempt else self._unrecorded
        return self._attempts.get(call.id, 0) + unrecorded + 1

    def _begin(self, call: Call) -> Attempt:
        number = self._attempts[call.id] = self._next_number(call)
        self._overdue.discard(call.id)
        self._first_attempt.setdefault(call.id, number)
        fingerprint = self._key_of[call.id].fingerprint
        if fingerprint is not None and self._use_cache:
            self._waiters.setdefault(fingerprint, [])
        task = Task(
            info=self.progress.info(call, number),
            function=call.step.function,
            inputs=call.inputs,
            outputs=call.step.outputs,
            fingerprint=fingerprint,
            timeout=call.step.timeout,
            resources=call.step.resources,
            fail_on_report=call.step.fail_on_report,
            image=self._images.get(call.step.id),
            driver=self._ownership.number,
            offered=time.time(),
        )
        attempt = self._in_flight[call.id] = Attempt(call, task, self._shipping)
        self.progress.started(attempt)
        return attempt

    # -- completing ------------------------------------------------------------------------------------------------

    def _take_completions(self, *, block: bool) -> None:
        if not block and self._completions.empty():
            return
        items = list(self._completed(block=block))
        if items or block:
            self._keys.look_again()  # whatever has ended, or whatever the time was for, files may have changed
        for item in items:
            if item is _WAKE:
                continue
            attempt: Attempt = item[0]
            result: Finished | bytes | BaseException | Began | Broken | None = item[1]
            if isinstance(result, Broken):
                raise result.error
            if self._in_flight.get(attempt.call.id) is not attempt:  # it was completed before
                continue
            if isinstance(result, Began):
                attempt.began = result.at
                if attempt.timeout is not None:
                    self._timing.limit(attempt.call.id, attempt.timeout)
            else:
                del self._in_flight[attempt.call.id]
                self._cancels.pop(attempt.call.id, None)
                self._timing.unlimit(attempt.call.id)
                self._settle(attempt, self._finished(attempt, result))

    def _completed(self, *, block: bool) -> Iterator[Any]:
        """Take what is in the queue of completions; with ``block``, wait for the first."""
        with suppress(Empty):
            if block:
                yield self._completions.get(timeout=self._timing.patience())
            while not self._completions.empty():
                yield self._completions.get_nowait()

    def _finished(self, attempt: Attempt, result: Finished | bytes | BaseException | None) -> Finished:
        """What became of the attempt; a record that is in the store counts before anything the engine says."""
        if isinstance(result, Finished):
            return result
        if isinstance(result, bytes):
            from plugbay.execution.payload import outcome_of  # only attempts in other processes need it

            return outcome_of(result)
        info = attempt.info
        key = attempt_key(info.run_id, info.step, info.attempt)
        with suppress(FileNotFoundError):
            return Finished(read(self._store.get(key), AttemptRecord, key))
        error = result or WorkerLost("the attempt ended without a record; see the engine's own log of it")
        if attempt.call.id in self._overdue:
            error = StepTimeout(f"the step took longer than its timeout of {attempt.timeout:g} s")
        # a signal to the whole process group may end a worker before this process can
        cancelled = self.cancelled or attempt.call.id in self._ended_by_us
        return record_lost(attempt.task, error, self._session, began=attempt.began, cancelled=cancelled)

    def _settle(self, attempt: Attempt, finished: Finished) -> None:
        record = finished.record
        waiters = self._waiters.pop(attempt.task.fingerprint or "", [])
        key = self._key_of.pop(attempt.call.id, NO_KEY)
        if record.status == "succeeded":
            if not self._keys.has_changed(attempt.call, key):
                self.answers.add(record)
            self.progress.succeeded(attempt, record)
        elif record.unreadable and self._renew(attempt, record):
            pass
        elif record.status != "failed" or not self._retry(attempt, record):
            error = finished.error
            if error is None and record.error is not None:
                from plugbay.execution.causes import unpacked  # the attempt was recorded elsewhere, as few are

                error = unpacked(None, record.error)
            self.progress.failed(attempt, record, error)
            self._apply_policy()
        if not self._stopping:
            self._queue.extendleft(reversed(waiters))
        if "_renewal" in vars(self):
            self._renewal.ended(attempt.call)
            self._queue.extend(() if self._stopping else self._renewal.resumed())

    @functools.cached_property
    def _renewal(self) -> Renewal:
        from plugbay.execution.renewal import Renewal  # few runs meet what they cannot read

        return Renewal(self.schedule, self._reused)

    def _is_renewed(self, call: Call) -> bool:
        return "_renewal" in vars(self) and self._renewal.is_due(call)

    def _renew(self, attempt: Attempt, record: AttemptRecord) -> bool:
        """Have earlier answers that the attempt could not read computed anew, and then the call tried again."""
        if self._stopping:
            return False
        calls = self._renewal.wanted(attempt.call, record.unreadable)
        if calls is None:
            return False
        self.progress.retrying(attempt, record, 0.0)
        del self._first_attempt[attempt.call.id]  # it has not been tried yet
        for call in calls:
            _log.warning("step %r is computed anew: %s", call.id, record.error)
            self.progress.queued(call, self._attempts.get(call.id, 0) + 1)
        self._queue.extendleft(reversed(calls))
        return True

    def _retry(self, attempt: Attempt, record: AttemptRecord) -> bool:
        call = attempt.call
        failures = record.attempt - self._first_attempt[call.id] + 1
        if failures > call.step.retry.retries or self._stopping:
            return False
        delay = retry_delay(call.step.retry, failures)
        self.progress.retrying(attempt, record, delay)
        self._timing.retry(call, delay)
        return True

    # -- stopping --------------------------------------------------------------------------------------------------

    def _apply_policy(self) -> None:
        if self.plan.failure == "continue" and not self.cancelled:
            return
        self._stop()
        if self.plan.failure == "fail-fast":
            self._cancel_in_flight()

    def _stop(self) -> None:
        """Start nothing new."""
        self._stopping = True
        self._queue.clear()
        self._timing.forget_retries()
        for waiting in self._waiters.values():
            waiting.clear()

    def _cancel_in_flight(self) -> None:
        for call_id, cancel in list(self._cancels.items()):
            self._ended_by_us.add(call_id)
            call_guarded(cancel, f"cancelling step {call_id!r}")

    def _enforce_deadlines(self) -> None:
        for call_id in self._timing.overdue():
            self._overdue.add(call_id)
            if call_id in self._cancels:
                call_guarded(self._cancels[call_id], f"ending step {call_id!r}")

    def finish(self) -> None:
        """Record what the orchestrator has left in flight as cancelled, and say of every other step why it did not run."""
        if self._in_flight:
            self._stop()
            self._cancel_in_flight()
            self._take_completions(block=False)
        for attempt in list(self._in_flight.values()):
            self._ended_by_us.add(attempt.call.id)
            del self._in_flight[attempt.call.id]
            self._settle(attempt, self._finished(attempt, WorkerLost("the orchestrator ended before the attempt did")))
        reason = "the run was cancelled" if self.cancelled else "the run stopped before its turn"
        if self.progress.failed_step is not None and not self.cancelled:
            reason = f"the run stopped when {self.progress.failed_step!r} failed"
        self.progress.skip_the_rest(reason)
