"""An orchestrator without an engine."""

from __future__ import annotations

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import LiveRun


@component
class FakeOrchestrator:
    """Executes one step after the other in this process."""

    @hookimpl
    def orchestrator_run(self, run: LiveRun) -> None:
        """Execute each step."""
        for step in run.ready():
            run.execute(step)
