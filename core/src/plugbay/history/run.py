"""A run as a person and a program look at it: ``run["train"]["accuracy"].load()``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from plugbay.errors import NotFoundError, did_you_mean, listed
from plugbay.store.distant import each
from plugbay.store.documents import AttemptRecord, EndRecord, InHand, RunRecord, StepImage, StepSummary
from plugbay.store.layout import blob_key, call_id
from plugbay_hookspecs.types import Artifact, CacheSource, ErrorInfo, Plan, PlannedStep, RunStatus, StepStatus

if TYPE_CHECKING:
    from plugbay.history.progress import StepProgress
    from plugbay.history.reader import Reader


class Run:
    """A run: what was planned, and what became of it."""

    def __init__(self, record: RunRecord, end: EndRecord | None, reader: Reader) -> None:
        """Describe the run that began as ``record`` and, unless it goes on, ended as ``end``."""
        self.record, self.end, self._reader = record, end, reader

    @property
    def id(self) -> str:
        """The run's id, a UUIDv7."""
        return self.record.id

    @property
    def pipeline(self) -> str:
        """The pipeline's name."""
        return self.record.plan.pipeline

    @property
    def stack(self) -> str:
        """The name of the stack it ran on."""
        return self.record.stack

    @property
    def plan(self) -> Plan:
        """What was to be done."""
        return self.record.plan

    @cached_property
    def status(self) -> RunStatus:
        """``running``, ``succeeded``, ``failed``, ``cancelled``, or ``interrupted`` when its driver is gone."""
        return self._reader.status(self.record, self.end)

    @property
    def error(self) -> ErrorInfo | None:
        """The first failure."""
        return self.end.error if self.end is not None else None

    @property
    def failed_step(self) -> str | None:
        """The step or call that failed first."""
        return self.end.failed_step if self.end is not None else None

    @property
    def created(self) -> dt.datetime:
        """When it began, in UTC."""
        return dt.datetime.fromtimestamp(self.record.created, dt.UTC)

    @property
    def seconds(self) -> float | None:
        """From its beginning to its end, pauses before a resumption included; ``None`` while it goes on."""
        return None if self.end is None else self.end.ended - self.record.created

    @property
    def resumed(self) -> bool:
        """Whether another process than the one that began it has ended it."""
        return self.end is not None and self.end.driver > self.record.driver.number

    @property
    def steps(self) -> list[StepRun]:
        """The planned steps, in an order in which each comes after what it needs."""
        return [StepRun(self, step, step.id, self._reader) for step in self.plan.steps]

    @cached_property
    def known_calls(self) -> set[str]:
        """The ids of steps and calls of which something is known."""
        going_on = () if self.in_hand is None else (call.step for call in self.in_hand.calls)
        return {*self.summaries, *going_on}

    def __getitem__(self, step: str) -> StepRun:
        """A step by its id, or one call of a mapped step: ``run["fit"]``, ``run["fit.0"]``."""
        for planned in self.plan.steps:
            if planned.id == step:
                return StepRun(self, planned, step, self._reader)
            if planned.mapped and step.startswith(f"{planned.id}.") and step in self.known_calls:
                return StepRun(self, planned, step, self._reader)
        known = [planned.id for planned in self.plan.steps]
        msg = f"run {self.id} has no step {step!r}{did_you_mean(step, known)} (it has: {listed(known)})"
        raise NotFoundError(msg)

    @cached_property
    def summaries(self) -> Mapping[str, StepSummary]:
        """What became of each step and call; of a run that has not ended, as far as the records tell."""
        if self.end is not None and self.status == self.end.status:
            return self.end.steps
        found = {
            record.step: StepSummary(
                status=record.status, attempt=record.attempt, seconds=record.ended - record.started
            )
            for record in self._reader.counting_attempts(self.id)
        }
        if self.in_hand is not None:
            found |= self.in_hand.steps
            for call in self.in_hand.calls:
                if call.step in found and found[call.step].attempt < call.attempt:  # it is tried again
                    del found[call.step]
        return found

    @cached_property
    def in_hand(self) -> InHand | None:
        """What its driver has in hand: of a run that goes on, once it has lasted a second or two."""
        return self._reader.in_hand(self.record) if self.status == "running" else None

    def __repr__(self) -> str:
        return f"<run {self.id} of {self.pipeline}: {self.status}>"


class StepRun:
    """What became of one step of a run, or of one call of a mapped step."""

    def __init__(self, run: Run, planned: PlannedStep, step_id: str, reader: Reader) -> None:
        """Describe ``step_id`` of ``run``."""
        self._run, self._planned, self._reader = run, planned, reader
        self.id = step_id

    @property
    def name(self) -> str:
        """The name of the step's function."""
        return self._planned.name

    @cached_property
    def summary(self) -> StepSummary | None:
        """How it ended; ``None`` when nothing has become of it yet."""
        return self._run.summaries.get(self.id)

    @property
    def status(self) -> StepStatus | None:
        """``succeeded``, ``cached``, ``failed``, ``skipped``, ``cancelled``; ``None`` when it has not ended: see ``progress``."""
        return self.summary.status if self.summary is not None else None

    @cached_property
    def progress(self) -> StepProgress | None:
        """Where it stands in a run that goes on; ``None`` once it has ended, or the run has."""
        run = self._run
        if run.status != "running" or self.status is not None:
            return None
        from plugbay.history.progress import (
            progress_of_call,
            progress_of_step,
        )  # most runs that are looked at have ended

        told = None if self.mapped or run.in_hand is None else run.in_hand.call(self.id)
        if told is not None:
            return progress_of_call(told)
        return progress_of_step(self._planned, run.in_hand, run.summaries)

    @property
    def source(self) -> CacheSource | None:
        """The attempt that answered a cached step."""
        return self.summary.source if self.summary is not None else None

    @property
    def seconds(self) -> float:
        """How long the attempt that counts took; of a cached step, how long it took when it was computed."""
        return self.summary.seconds if self.summary is not None else 0.0

    @property
    def queued(self) -> float:
        """Seconds that the attempt that counts waited, beside ``seconds``, for its turn; none where there was no attempt."""
        return self.record.queued if self.record is not None and self.source is None else 0.0

    @property
    def mapped(self) -> bool:
        """Whether it stands for the calls of a mapped step."""
        return self._planned.mapped and self.id == self._planned.id

    @property
    def calls(self) -> list[StepRun]:
        """The calls of a mapped step, in the order of its values, as far as they are known; of another one none."""
        if not self.mapped:
            return []
        begin = f"{self.id}."
        tails = (name.removeprefix(begin) for name in self._run.known_calls if name.startswith(begin))
        indices = sorted(int(tail) for tail in tails if tail.isdecimal())
        return [StepRun(self._run, self._planned, call_id(self.id, index), self._reader) for index in indices]

    @property
    def unnamed_calls(self) -> int:
        """How many calls of a mapped step the driver has in hand beside those in ``calls``: it names a thousand."""
        in_hand = self._run.in_hand if self.mapped else None
        if in_hand is None:
            return 0
        begin = f"{self.id}."
        named = sum(call.step.startswith(begin) for call in in_hand.calls)
        return sum(in_hand.counts.get(self.id, {}).values()) - named

    def read_calls(self, most: int | None = None) -> list[StepRun]:
        """The first calls, ``most`` at most, with their records read: many at a time where the store is distant."""
        calls = self.calls[:most]
        with self._reader.access():
            each(self._reader.store, lambda call: call.record, calls)
        return calls

    @cached_property
    def attempts(self) -> list[AttemptRecord]:
        """The records of its own attempts, oldest first; of a cached step none."""
        return self._reader.attempts_of(self._run.id, self.id)

    @cached_property
    def record(self) -> AttemptRecord | None:
        """The record that counts: the last attempt, or the one that answered a cached step if it is still there."""
        source = self.source
        if source is not None:
            try:
                return self._reader.attempt(source.run_id, source.step, source.attempt)
            except NotFoundError:
                return None
        if self.summary is not None and self.summary.attempt:
            return self._reader.attempt(self._run.id, self.id, self.summary.attempt)
        return self.attempts[-1] if self.attempts else None

    @property
    def error(self) -> ErrorInfo | None:
        """Why the last attempt failed."""
        return self.record.error if self.record is not None else None

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric it logged."""
        return {} if self.record is None else {name: points[-1][1] for name, points in self.record.metrics.items()}

    @property
    def params(self) -> Mapping[str, Any]:
        """The parameters it logged, in canonical JSON form."""
        return {} if self.record is None else self.record.params

    @property
    def image(self) -> StepImage | None:
        """The container image that it ran in, where one was built for it."""
        return self.record.image if self.record is not None else None

    def log(self, attempt: int | None = None) -> str:
        """What it printed: the attempt that counts, or the one of that number."""
        source = self.source
        if source is not None and attempt is None:
            return self._reader.log(source.run_id, source.step, source.attempt)
        number = attempt or (self.attempts[-1].attempt if self.attempts else 1)
        return self._reader.log(self._run.id, self.id, number)

    @cached_property
    def outputs(self) -> Mapping[str, ArtifactView]:
        """The outputs by name; those of a mapped step are lists with one element for each call."""
        if self.mapped:
            calls = [call.outputs for call in self.calls]
            return {
                spec.name: ArtifactView([c[spec.name].one for c in calls if spec.name in c], self._reader)
                for spec in self._planned.outputs
            }
        if self.status not in ("succeeded", "cached"):
            return {}
        artifacts = self.record.outputs if self.record is not None else ()
        return {artifact.name: ArtifactView(artifact, self._reader) for artifact in artifacts}

    @property
    def output(self) -> ArtifactView:
        """The lone output. Raises :class:`NotFoundError` when there is none, or more than one."""
        if len(self.outputs) == 1:
            return next(iter(self.outputs.values()))
        msg = f"step {self.id!r} ({self.status}) has {len(self.outputs)} outputs ({listed(self.outputs)}), not one"
        raise NotFoundError(msg)

    def __getitem__(self, output: str) -> ArtifactView:
        """An output by its name."""
        try:
            return self.outputs[output]
        except KeyError:
            near = did_you_mean(output, self.outputs)
            msg = f"step {self.id!r} ({self.status}) has no output {output!r}{near} (it has: {listed(self.outputs)})"
            raise NotFoundError(msg) from None

    def __iter__(self) -> Iterator[str]:
        """The names of the outputs."""
        return iter(self.outputs)

    def __repr__(self) -> str:
        return f"<step {self.id!r} of run {self._run.id}: {self.status}>"


class ArtifactView:
    """An output of a step: one artifact, or the list of those of a mapped step's calls."""

    def __init__(self, artifact: Artifact | list[Artifact], reader: Reader) -> None:
        """Describe ``artifact``."""
        self._artifact, self._reader = artifact, reader

    @property
    def one(self) -> Artifact:
        """The artifact, where there is one."""
        if isinstance(self._artifact, list):
            msg = "this is the output of a mapped step: take one of its calls, or load them all"
            raise NotFoundError(msg)
        return self._artifact

    def load(self) -> Any:
        """Read the value; the digest of every byte is checked."""
        with self._reader.access():
            if isinstance(self._artifact, list):
                return [self._reader.artifacts.load(artifact) for artifact in self._artifact]
            return self._reader.artifacts.load(self._artifact)

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, 64 hexadecimal digits."""
        return self.one.digest

    @property
    def url(self) -> str | None:
        """Where the bytes lie; ``None`` when they are kept in the record, or the store has no addresses."""
        return None if self.one.inline is not None or self.one.items is not None else self._url()

    def _url(self) -> str | None:
        with self._reader.access():
            return self._reader.store.url(blob_key(self.digest))

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes, checked."""
        with self._reader.access():
            yield from self._reader.artifacts.chunks(self.one)

    def __repr__(self) -> str:
        if isinstance(self._artifact, list):
            return f"<{len(self._artifact)} artifacts>"
        return f"<artifact {self.one.name!r} {self.one.digest[:12]}, {self.one.size:,} bytes>"
