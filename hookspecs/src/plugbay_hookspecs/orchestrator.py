"""Hooks of an orchestrator: what drives the steps of a run. A stack has exactly one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Capabilities, LiveRun, Plan, RunStatus, Schedule


@hookspec(firstresult=True)
@required
def orchestrator_run(run: LiveRun) -> None:
    """Drive the run: take each step when it is ready, execute or submit it, and complete it.

    Called in the driver, once for a run, after it was recorded. It returns when ``run.ready()`` has ended. Order,
    failure policy, retries, caching and recording are the host's: the orchestrator only decides where a step executes.
    An engine in whose queue a step may wait submits it as ``queued`` and calls ``run.started(step)`` when it begins: the
    step's timeout counts from there. If it raises, the steps in flight are cancelled and the run has failed with that error.

    .. code-block:: python

        import os
        import subprocess

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import LiveRun


        @component
        class Processes:
            '''Runs one step after the other, each in a process of its own.'''

            @hookimpl
            def orchestrator_run(self, run: LiveRun) -> None:
                for step in run.ready(limit=1):
                    if not step.portable:
                        run.execute(step)
                        continue
                    worker = subprocess.Popen(step.command(), env={**os.environ, **step.environment()})
                    run.submitted(step, worker.terminate)
                    killed = worker.wait() < 0
                    run.complete(step, ChildProcessError("The worker was killed") if killed else None)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_capabilities() -> Capabilities:
    """Tell what the orchestrator can do.

    Called in the driver at plan time, without the component being started; no I/O. A plan that needs more is refused
    with the reason. ``None`` stands for ``Capabilities()``.

    .. code-block:: python

        from concurrent.futures import ThreadPoolExecutor

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Capabilities, LiveRun


        @component
        class Threads:
            '''Runs several steps at a time, in threads of the driver; a thread cannot be ended.'''

            workers: int = 4

            @hookimpl
            def orchestrator_capabilities(self) -> Capabilities:
                return Capabilities(parallel=self.workers > 1, cancel=False)

            @hookimpl
            def orchestrator_run(self, run: LiveRun) -> None:
                with ThreadPoolExecutor(self.workers) as pool:
                    for step in run.ready(limit=self.workers):
                        pool.submit(run.execute, step)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_status(run_id: str) -> RunStatus:
    """Tell what the engine knows of a run that was submitted to it.

    Called in any process that has the stack. ``None``: the engine does not know it, and the artifact store tells.

    .. code-block:: python

        import sqlite3
        from contextlib import closing

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RunStatus

        STATUSES: dict[str, RunStatus] = {"R": "running", "C": "succeeded", "F": "failed", "K": "cancelled"}


        @component
        class BatchQueue:
            '''Submits runs to a batch queue, which keeps the state of its jobs in a database.'''

            database: str = "queue.db"

            @hookimpl
            def orchestrator_status(self, run_id: str) -> RunStatus | None:
                with closing(sqlite3.connect(self.database)) as queue:
                    job = queue.execute("SELECT state FROM job WHERE name = ?", (run_id,)).fetchone()
                return STATUSES[job[0]] if job else None

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_cancel(run_id: str, graceful: bool) -> bool:
    """End a run that was submitted to the engine.

    Called in any process that has the stack. Idempotent: a run that has ended is no error.

    :param graceful: let running steps end by themselves.
    :returns: whether the engine took the request; ``None`` when it does not know the run, and the host asks the driver.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class SpoolQueue:
            '''Submits runs to a daemon that watches a folder; a file named drain or kill ends a run.'''

            spool: Path = Path("spool")

            @hookimpl
            def orchestrator_cancel(self, run_id: str, graceful: bool) -> bool | None:
                job = self.spool / run_id
                if not job.is_dir():
                    return None
                (job / ("drain" if graceful else "kill")).touch()
                return True

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_logs(run_id: str, step: str, follow: bool) -> Iterator[str]:
    """Read the engine's own log of a step: what was printed before the worker started or after it was lost.

    Called in any process that has the stack.

    :param follow: go on until the step has ended.
    :returns: lines without their line ends; ``None`` when there is no such log.

    .. code-block:: python

        import time
        from collections.abc import Iterator
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class SpoolQueue:
            '''Submits runs to a daemon that writes a log for each step, and a file named done at its end.'''

            spool: Path = Path("spool")

            @hookimpl
            def orchestrator_logs(self, run_id: str, step: str, follow: bool) -> Iterator[str] | None:
                folder = self.spool / run_id / step
                return self._lines(folder, follow) if (folder / "log").exists() else None

            def _lines(self, folder: Path, follow: bool) -> Iterator[str]:
                with (folder / "log").open(encoding="utf-8") as log:
                    while follow and not (folder / "done").exists():
                        yield from log.read().splitlines()
                        time.sleep(0.5)
                    yield from log.read().splitlines()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_export(plan: Plan, target: Path) -> Sequence[Path]:
    """Write the plan in the engine's own form: a DAG file, manifests.

    Called in the driver.

    :param target: an existing directory.
    :returns: the files that were written; ``None`` when the engine has no such form.

    .. code-block:: python

        import csv
        from collections.abc import Sequence
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Plan


        @component
        class BatchQueue:
            '''Hands a batch queue its jobs as a table, in an order in which it may run them.'''

            @hookimpl
            def orchestrator_export(self, plan: Plan, target: Path) -> Sequence[Path]:
                file = target / f"{plan.pipeline}.csv"
                with file.open("w", newline="", encoding="utf-8") as table:
                    jobs = csv.writer(table)
                    jobs.writerow(["job", "function", "cores", "seconds"])
                    jobs.writerows([s.id, s.function, s.resources.cpu or 1, s.timeout] for s in plan.steps)
                return [file]

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_schedule(plan: Plan, schedule: Schedule) -> Schedule:
    """Have the engine start runs of the plan at set times.

    Called in any process that has the stack.

    :returns: the schedule with its id; ``None`` when the engine has no schedules.

    .. code-block:: python

        import json
        from pathlib import Path
        from uuid import uuid4

        from attrs import asdict, evolve
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Plan, Schedule


        @component
        class Timer:
            '''Leaves what to run and when in a folder that a daemon watches.'''

            folder: Path = Path("timers")

            @hookimpl
            def orchestrator_schedule(self, plan: Plan, schedule: Schedule) -> Schedule:
                known = evolve(schedule, id=str(uuid4()))
                self.folder.mkdir(parents=True, exist_ok=True)
                timer = {"pipeline": plan.target, "parameters": dict(plan.parameters), "schedule": asdict(known)}
                (self.folder / f"{known.id}.json").write_text(json.dumps(timer), encoding="utf-8")
                return known

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_list_schedules() -> Sequence[Schedule]:
    """List the schedules that the engine keeps.

    Called in any process that has the stack. ``None`` when the engine has no schedules.

    .. code-block:: python

        import json
        from collections.abc import Sequence
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Schedule


        @component
        class Timer:
            '''Reads the schedules from the folder that a daemon watches, one file each.'''

            folder: Path = Path("timers")

            @hookimpl
            def orchestrator_list_schedules(self) -> Sequence[Schedule]:
                timers = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(self.folder.glob("*.json"))]
                return [Schedule(**timer["schedule"]) for timer in timers]

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def orchestrator_unschedule(id: str) -> bool:
    """Remove a schedule.

    Called in any process that has the stack. Idempotent: an id that is gone is no error.

    :returns: whether there was one; ``None`` when the engine has no schedules.

    .. code-block:: python

        import sqlite3
        from contextlib import closing

        from plugbay_hookspecs import component, hookimpl


        @component
        class BatchQueue:
            '''Has a batch queue start runs, which keeps its schedules in a database.'''

            database: str = "queue.db"

            @hookimpl
            def orchestrator_unschedule(self, id: str) -> bool:
                with closing(sqlite3.connect(self.database)) as queue, queue:
                    return queue.execute("DELETE FROM schedule WHERE id = ?", (id,)).rowcount > 0

    .. versionadded:: 0.1
    """
    raise NotImplementedError
