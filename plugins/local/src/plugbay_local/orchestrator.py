"""The orchestrator that uses this machine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.orchestration import Capabilities
from plugbay_hookspecs.types.stack import Problem, StackInfo
from plugbay_local.plan_shape import is_chain

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import LiveRun


@component
class LocalOrchestrator:
    """Run steps on this machine: a chain in the driver, other plans in worker processes."""

    workers: int | None = None
    """Steps that run at the same time; ``None``: as many as there are cores for this process."""
    start_method: Literal["forkserver", "spawn"] | None = None
    """How worker processes start; ``None``: ``forkserver`` where the system has it, else ``spawn``."""

    @hookimpl
    def orchestrator_capabilities(self) -> Capabilities:
        # Resources are accepted, not enforced: a laptop runs the plan that a cluster grants its requests.
        return Capabilities(
            parallel=self._worker_count() > 1,
            dynamic_maps=True,
            resources=frozenset({"cpu", "memory", "gpu"}),
            cancel=True,
        )

    @hookimpl
    def orchestrator_run(self, run: LiveRun) -> None:
        workers = self._worker_count()
        if workers == 1 or is_chain(run.plan):
            for step in run.ready():
                run.execute(step)
            return
        # Imported here because a chain does without multiprocessing.
        from plugbay_local.worker_pool import WorkerPool

        with WorkerPool(run, workers, self._chosen_start_method()) as pool:
            for step in run.ready(limit=workers):
                if step.portable:
                    pool.assign(step)
                else:
                    run.execute(step)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        problems = []
        if self.workers is not None and self.workers < 1:
            problems.append(
                Problem(
                    message=f"workers = {self.workers}: a run needs one at least",
                    remedy="give a number from 1 on, or leave it out for one worker per core",
                )
            )
        if self.start_method == "forkserver" and not _has_fork_server():
            problems.append(
                Problem(
                    message='start_method = "forkserver": this system has none',
                    remedy='leave it out, or write "spawn"',
                )
            )
        return problems

    def _worker_count(self) -> int:
        return _usable_cores() if self.workers is None else max(self.workers, 1)

    def _chosen_start_method(self) -> Literal["forkserver", "spawn"]:
        if self.start_method is not None:
            return self.start_method
        return "forkserver" if _has_fork_server() else "spawn"


def _usable_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _has_fork_server() -> bool:
    # Imported here because a chain does without it.
    from multiprocessing import get_all_start_methods

    return "forkserver" in get_all_start_methods()
