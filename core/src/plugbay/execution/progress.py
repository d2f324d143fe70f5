"""What becomes of each call of a run: taken down in the schedule, and told to the plugins and to the user's own functions."""

from __future__ import annotations

from plugbay.execution.failures import call_guarded, error_info
from plugbay.execution.ready_step import Attempt
from plugbay.execution.schedule import Call, Schedule
from plugbay.host.host import Host
from plugbay.pipelines.compiled import Compiled
from plugbay.store.documents import AttemptRecord, CacheEntry, StepSummary
from plugbay_hookspecs.types import CacheSource, ErrorInfo, PlannedStep, StepInfo

_UNKNOWN = ErrorInfo(type="Exception", message="unknown")


class Progress:
    """The account of a run, and the first failure in it."""

    def __init__(self, run_id: str, compiled: Compiled, schedule: Schedule, host: Host) -> None:
        """Begin the account of the run ``run_id``."""
        self.error: ErrorInfo | None = None
        self.exception: BaseException | None = None
        self.failed_step: str | None = None
        self._run_id, self._pipeline, self._steps = run_id, compiled.plan.pipeline, compiled.steps
        self._schedule, self._host = schedule, host

    def info(self, call: Call, attempt: int) -> StepInfo:
        """Describe an attempt of a call."""
        return StepInfo(
            run_id=self._run_id, pipeline=self._pipeline, step=call.id, name=call.step.name, attempt=attempt
        )

    def queued(self, call: Call, attempt: int) -> None:
        """The call can start."""
        self._host.tell("step_queued", step=self.info(call, attempt))

    def started(self, attempt: Attempt) -> None:
        """The attempt is given to the orchestrator or a step operator."""
        self._host.tell("step_started", step=attempt.info)

    def kept(self, call: Call, record: AttemptRecord) -> None:
        """The call had succeeded before the run was resumed."""
        source = CacheSource(run_id=self._run_id, step=call.id, attempt=record.attempt)
        self._host.tell("step_cached", step=self.info(call, record.attempt), source=source)
        self._schedule.succeeded(call, record.outputs_by_name, _summary(record))

    def cached(self, call: Call, entry: CacheEntry) -> None:
        """An earlier attempt answers the call."""
        self._host.tell("step_cached", step=self.info(call, 1), source=entry.source)
        summary = StepSummary(status="cached", seconds=entry.seconds, source=entry.source)
        self._schedule.succeeded(call, {artifact.name: artifact for artifact in entry.outputs}, summary)

    def succeeded(self, attempt: Attempt, record: AttemptRecord) -> None:
        """The attempt has succeeded and is recorded."""
        outputs, summary = record.outputs_by_name, _summary(record)
        self._schedule.succeeded(attempt.call, outputs, summary)
        self._host.tell("step_succeeded", step=attempt.info, outputs=outputs, seconds=summary.seconds)
        self._call_user(attempt.call, "on_success", attempt.info)

    def retrying(self, attempt: Attempt, record: AttemptRecord, delay: float) -> None:
        """The attempt has failed, and there will be another one."""
        self._host.tell("step_retrying", step=attempt.info, error=record.error or _UNKNOWN, delay=delay)

    def failed(self, attempt: Attempt, record: AttemptRecord, exception: BaseException | None) -> None:
        """The attempt has failed or was cancelled, and there will be no other: what needs the call cannot run."""
        error, summary = record.error or _UNKNOWN, _summary(record)
        skipped = self._schedule.failed(attempt.call, summary)
        if record.status == "failed":
            self._note_failure(attempt.call.id, error, exception)
            self._host.tell("step_failed", step=attempt.info, error=error, seconds=summary.seconds)
            self._call_user(attempt.call, "on_failure", attempt.info, error)
        else:
            self._host.tell("step_cancelled", step=attempt.info, seconds=summary.seconds)
        self._tell_skipped(skipped)

    def step_failed(self, step: PlannedStep, cause: Exception) -> None:
        """A mapped step has failed before it had any call."""
        error = error_info(cause)
        skipped = self._schedule.step_failed(step, StepSummary(status="failed", reason=str(error)))
        self._note_failure(step.id, error, cause)
        self._host.tell("step_failed", step=self._info_of_step(step), error=error, seconds=0.0)
        self._tell_skipped(skipped)

    def skip_the_rest(self, reason: str) -> None:
        """Nothing more will be started."""
        left = self._schedule.unfinished()
        for step in left:
            self._schedule.skip(step, reason)
        self._tell_skipped(left)

    def _note_failure(self, step: str, error: ErrorInfo, exception: BaseException | None) -> None:
        if self.error is None:
            self.error, self.failed_step, self.exception = error, step, exception

    def _tell_skipped(self, steps: list[PlannedStep]) -> None:
        for step in steps:
            reason = self._schedule.summaries[step.id].reason or ""
            self._host.tell("step_skipped", step=self._info_of_step(step), reason=reason)

    def _info_of_step(self, step: PlannedStep) -> StepInfo:
        return StepInfo(run_id=self._run_id, pipeline=self._pipeline, step=step.id, name=step.name, attempt=1)

    def _call_user(self, call: Call, option: str, *arguments: object) -> None:
        """Call the step's own ``on_success`` or ``on_failure``; what it raises is reported and changes nothing."""
        step = self._steps.get(call.step.id)
        function = getattr(step.options, option) if step is not None else None
        if function is not None:
            call_guarded(function, f"{option} of step {call.id!r}", *arguments)


def _summary(record: AttemptRecord) -> StepSummary:
    return StepSummary(status=record.status, attempt=record.attempt, seconds=record.ended - record.started)
