"""Telling people through the stack's alerters that a run has failed."""

from __future__ import annotations

from plugbay.stack import Stack
from plugbay_hookspecs.types import Message, RunInfo, RunOutcome


def announce_failure(stack: Stack, run: RunInfo, outcome: RunOutcome) -> None:
    """Tell every alerter of the stack that ``run`` has failed; one that raises is reported and changes nothing."""
    if not stack.of_type("alerter"):
        return
    error = outcome.error
    fields = {"run": run.id, "pipeline": run.pipeline, "stack": run.stack}
    if outcome.failed_step is not None:
        fields["step"] = outcome.failed_step
    stack.alerter.post(
        Message(
            title=f"{run.pipeline} failed" + (f" in {outcome.failed_step}" if outcome.failed_step else ""),
            text="" if error is None else f"{error.type}: {error.message}",
            severity="error",
            fields=fields,
            topic=run.id,
        )
    )
