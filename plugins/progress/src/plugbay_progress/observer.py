"""The observer: it hands each event to the journal of its run, and what comes of it to where runs are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import field

from plugbay_hookspecs import component, hookimpl
from plugbay_progress.reporting import FollowedRuns

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Artifact, CacheSource, ErrorInfo, RunInfo, RunOutcome, StepInfo


@component
class Progress:
    """Show on stderr how runs get on: live lines on a terminal, plain lines anywhere else."""

    plain: bool = False
    """Write plain lines on a terminal too: for screen readers, debuggers and programs that draw there themselves."""

    _runs: FollowedRuns = field(init=False, repr=False, factory=FollowedRuns)

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Show the run."""
        self._runs.begin(run, plain=self.plain)

    @hookimpl
    def run_finished(self, run: RunInfo, outcome: RunOutcome) -> None:
        """Show how the run ended."""
        self._runs.finish(run, outcome)

    @hookimpl
    def step_queued(self, step: StepInfo) -> None:
        """Count the calls of mapped steps."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.queued(step))

    @hookimpl
    def step_started(self, step: StepInfo) -> None:
        """Show that the step is running."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.started(step))

    @hookimpl
    def step_cached(self, step: StepInfo, source: CacheSource) -> None:
        """Show that the step need not run."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.cached(step, source))

    @hookimpl
    def step_retrying(self, step: StepInfo, error: ErrorInfo, delay: float) -> None:
        """Show why and when the step runs again."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.retrying(step, error, delay))

    @hookimpl
    def step_skipped(self, step: StepInfo, reason: str) -> None:
        """Show why the step does not run."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.skipped(step, reason))

    @hookimpl
    def step_succeeded(self, step: StepInfo, outputs: Mapping[str, Artifact], seconds: float) -> None:
        """Show that the step is done."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.succeeded(step, seconds))

    @hookimpl
    def step_failed(self, step: StepInfo, error: ErrorInfo, seconds: float) -> None:
        """Show how the step failed."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.failed(step, error, seconds))

    @hookimpl
    def step_cancelled(self, step: StepInfo, seconds: float) -> None:
        """Show that the step was ended."""
        if followed := self._runs.get(step.run_id):
            followed.tell(followed.journal.cancelled(step, seconds))
