"""A plugin distribution with two flavors: an orchestrator and an observer."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ErrorInfo, LiveRun, Problem, RunInfo, RunOutcome, StackInfo, StepInfo


@component
class Threads:
    """Run steps in threads of this process: for steps that wait for something else."""

    workers: int = 4

    @hookimpl
    def component_validate(self, stack: StackInfo) -> list[Problem]:
        """Refuse a pool without threads."""
        if self.workers < 1:
            return [Problem(message=f"workers is {self.workers}", remedy="give at least 1")]
        return []

    @hookimpl
    def orchestrator_run(self, run: LiveRun) -> None:
        """Hand each step to a thread."""
        with ThreadPoolExecutor(self.workers) as pool:
            for step in run.ready(limit=self.workers):
                pool.submit(run.execute, step)


@component
class Journal:
    """Write one JSON line for each event of a run."""

    path: Path = Path("journal.jsonl")

    def _write(self, event: str, **facts: object) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **facts}) + "\n")

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        """Note that a run began."""
        self._write("run_started", run=run.id, pipeline=run.pipeline)

    @hookimpl
    def step_cached(self, step: StepInfo) -> None:
        """Note that the cache answered."""
        self._write("step_cached", step=step.step)

    @hookimpl
    def step_succeeded(self, step: StepInfo, seconds: float) -> None:
        """Note that a step succeeded."""
        self._write("step_succeeded", step=step.step, seconds=round(seconds, 3))

    @hookimpl
    def step_failed(self, step: StepInfo, error: ErrorInfo) -> None:
        """Note that a step failed."""
        self._write("step_failed", step=step.step, error=str(error))

    @hookimpl
    def run_finished(self, run: RunInfo, outcome: RunOutcome) -> None:
        """Note how the run ended."""
        self._write("run_finished", run=run.id, status=outcome.status)
