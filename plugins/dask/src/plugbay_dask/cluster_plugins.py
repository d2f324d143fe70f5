"""What a run adds to the scheduler and to the workers of a cluster: a worker's death fails an attempt, a cancelled one ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

from plugbay_dask.step_processes import step_processes
from plugbay_dask.tasks import BEGUN, PREFIX

if TYPE_CHECKING:
    from distributed import Client
    from distributed.scheduler import Scheduler


class OneTry(SchedulerPlugin):  # type: ignore[misc]  # whose types are not looked at
    """Fail a task that had begun when its worker died, where Dask would start it again: retries are the run's to decide."""

    name = "plugbay-one-try"
    idempotent = True

    async def start(self, scheduler: Scheduler) -> None:
        """Keep the scheduler."""
        self._scheduler = scheduler

    def log_event(self, topic: str, msg: Any) -> None:
        """Take a worker's word that a task has begun."""
        if topic == BEGUN and (task := self._scheduler.tasks.get(msg)) is not None:
            task.suspicious = self._scheduler.allowed_failures


class Cancelling(WorkerPlugin):  # type: ignore[misc]  # as above
    """End the process of a task that nobody waits for any more: it was cancelled, or the driver is gone."""

    name = "plugbay-cancelling"

    name = "plugbay-cancelling"
    idempotent = True

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Watch the tasks of the worker: one that is released while it is executed is waited for, and its result dropped."""
        if start in ("executing", "long-running") and finish == "released" and str(key).startswith(PREFIX):
            step_processes.end(key)


def register(client: Client) -> None:
    """Add the plugins to the client's cluster, once."""
    client.register_plugin(OneTry())
    client.register_plugin(Cancelling())
