"""Which tasks have begun, told to the run: a step's timeout does not count the time that its task waits for a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugbay_dask.tasks import BEGUN

if TYPE_CHECKING:
    from distributed import Client

    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep


class Beginnings:
    """Tells a run when its steps begin. Workers say so to the scheduler in any case; it is passed on where a step has a timeout."""

    def __init__(self, client: Client, run: LiveRun) -> None:
        """Listen to the workers of ``client``, which is the run's own."""
        self._run = run
        self._steps: dict[str, ReadyStep] = {}
        if any(step.timeout is not None for step in run.plan.steps):
            client.subscribe_topic(BEGUN, self._begun)

    def expect(self, key: str, step: ReadyStep) -> None:
        """Tell when the task ``key`` begins to execute ``step``; to be called before it is submitted."""
        if step.timeout is not None:
            self._steps[key] = step

    def _begun(self, event: tuple[float, str]) -> None:
        step = self._steps.pop(event[1], None)  # the task may be another run's
        if step is not None:
            self._run.started(step)
