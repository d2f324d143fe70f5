"""What a run adds to the scheduler and to the workers of a cluster: a worker's death fails an attempt, a cancelled one ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin

from plugbay_dask.step_processes import step_processes
from plugbay_dask.tasks import BEGUN, PREFIX

if TYPE_CHECKING:
    from distributed import Client
    from distributed.scheduler import Scheduler
    from distributed.worker import Worker


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


class StepTasks(WorkerPlugin):  # type: ignore[misc]  # as above
    """Tell the scheduler that a task has begun; end the process of one that nobody waits for any more.

    Such a task was cancelled, or its driver is gone.
    """

    name = "plugbay-step-tasks"
    idempotent = True

    def setup(self, worker: Worker) -> None:
        """Keep the worker."""
        self._worker = worker

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:
        """Watch the tasks of the worker: one that is released while it is executed is waited for, and its result dropped."""
        if not str(key).startswith(PREFIX):
            return
        if finish == "executing":
            self._worker.log_event(BEGUN, key)
        elif start in ("executing", "long-running") and finish == "released":
            step_processes.end(key)


def register(client: Client) -> None:
    """Add the plugins to the client's cluster, once."""
    client.register_plugin(OneTry())
    client.register_plugin(StepTasks())
