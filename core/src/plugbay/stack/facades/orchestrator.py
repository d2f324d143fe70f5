"""The typed facade of the stack's orchestrator."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import Capabilities, LiveRun, Plan, RunStatus, Schedule


class Orchestrator(ToOne):
    """What drives the steps of a run; see :mod:`plugbay_hookspecs.orchestrator` for what each call promises."""

    def run(self, run: LiveRun) -> None:
        """Drive the run to its end."""
        self._call("run", run=run)

    def capabilities(self) -> Capabilities:
        """What it can do."""
        found: Capabilities | None = self._value(Capabilities, "capabilities")
        return found or Capabilities()

    def status(self, run_id: str) -> RunStatus | None:
        """What the engine knows of a run; ``None`` when it does not know it."""
        found: RunStatus | None = self._call("status", run_id=run_id)
        return found

    def cancel(self, run_id: str, *, graceful: bool = True) -> bool | None:
        """End a run that the engine has; ``None`` when it does not know it."""
        taken: bool | None = self._call("cancel", run_id=run_id, graceful=graceful)
        return taken

    def logs(self, run_id: str, step: str, *, follow: bool = False) -> Iterator[str] | None:
        """The engine's own log of a step; ``None`` when there is none."""
        lines: Iterator[str] | None = self._call("logs", run_id=run_id, step=step, follow=follow)
        return lines

    def export(self, plan: Plan, target: Path) -> Sequence[Path] | None:
        """Write the plan in the engine's own form; ``None`` when it has none."""
        files: Sequence[Path] | None = self._call("export", plan=plan, target=target)
        return files

    def schedule(self, plan: Plan, schedule: Schedule) -> Schedule | None:
        """Have runs started at set times; ``None`` when the engine has no schedules."""
        kept: Schedule | None = self._value(Schedule, "schedule", plan=plan, schedule=schedule)
        return kept

    def list_schedules(self) -> Sequence[Schedule] | None:
        """The schedules the engine keeps; ``None`` when it has none."""
        found: Sequence[Schedule] | None = self._call("list_schedules")
        return found

    def unschedule(self, id: str) -> bool | None:
        """Remove a schedule; ``None`` when the engine has none."""
        removed: bool | None = self._call("unschedule", id=id)
        return removed
