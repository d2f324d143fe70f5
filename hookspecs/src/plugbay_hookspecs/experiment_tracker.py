"""Hooks of an experiment tracker: where parameters, metrics and files of many runs are compared.

A stack has any number, and all are told. A *tracked run* is what the tool calls a run: one for each attempt of a step.
The host calls these hooks of a tracker only between its start and its end for the attempt; an exception in one of them
is reported by the tracker's name and does not fail the attempt. After an exception in its start a tracker is told
nothing more of the attempt.

What user code logs with ``current().log_metrics(...)`` and ``current().log_params(...)`` comes to a tracker through
the hooks of this module; it needs no ``log_metrics`` and ``log_params`` of :mod:`plugbay_hookspecs.run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import ErrorInfo, StepInfo


@hookspec
def experiment_tracker_start(step: StepInfo) -> None:
    """Begin the tracked run of an attempt and make it the current one of the tool.

    Called in the executing process, in the thread that then calls the user's function, right before the call. What the
    function logs with the tool's own interface, and what the tool logs by itself (``mlflow.autolog()``), lands in this
    tracked run. Several attempts may be tracked at once in one process, in different threads; a tool whose current run
    belongs to the process gives it to one of them, and the others get what comes through these hooks.

    .. code-block:: python

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Mlflow:
            '''Tracks each attempt as a run of an MLflow server; MLflow's current run belongs to the thread.'''

            uri: str = "http://127.0.0.1:5001"
            _runs: dict[StepInfo, str] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def experiment_tracker_start(self, step: StepInfo) -> None:
                import mlflow

                mlflow.set_tracking_uri(self.uri)
                mlflow.set_experiment(step.pipeline)
                tags = {"plugbay.run_id": step.run_id, "plugbay.step": step.step}
                run = mlflow.start_run(run_name=f"{step.step} {step.run_id[:13]}", tags=tags)
                self._runs[step] = run.info.run_id

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def experiment_tracker_end(step: StepInfo, error: ErrorInfo | None) -> None:
    """End the tracked run of an attempt; all that was logged is with the tool when this returns.

    Called in the executing process, in the thread that called the user's function, after the outputs were stored, in
    reverse stack order.

    :param error: why the attempt failed, ``None`` when it did not.

    .. code-block:: python

        from typing import Any

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ErrorInfo, StepInfo


        @component
        class Wandb:
            '''Tracks each attempt as a run of Weights & Biases, grouped by the run of the pipeline.'''

            project: str = "plugbay"
            _runs: dict[StepInfo, Any] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def experiment_tracker_start(self, step: StepInfo) -> None:
                import wandb

                name = f"{step.step}-{step.attempt}"
                beside = "create_new" if self._runs else "finish_previous"  # a new one is not W&B's current run
                self._runs[step] = wandb.init(project=self.project, group=step.run_id, name=name, reinit=beside)

            @hookimpl
            def experiment_tracker_end(self, step: StepInfo, error: ErrorInfo | None) -> None:
                self._runs.pop(step).finish(exit_code=0 if error is None else 1)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
@required
def experiment_tracker_log_params(step: StepInfo, params: Mapping[str, object]) -> None:
    """Log what an attempt was made with.

    Called in the executing process: once with the step's own arguments that were written out in the pipeline, and then
    whenever user code logs some. A later value of a name replaces the earlier one where the tool can; a tool that cannot
    keeps the first.

    :param params: plain values; a tool that keeps texts only keeps their ``str``.

    .. code-block:: python

        import json
        from collections.abc import Mapping
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Lines:
            '''Keeps a file of JSON lines for each attempt.'''

            folder: Path = Path("tracked")

            @hookimpl
            def experiment_tracker_log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
                folder = self.folder / step.run_id
                folder.mkdir(parents=True, exist_ok=True)
                with (folder / f"{step.step}.{step.attempt}.jsonl").open("a", encoding="utf-8") as lines:
                    print(json.dumps({"params": dict(params)}, default=repr), file=lines)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
@required
def experiment_tracker_log_metrics(
    step: StepInfo, metrics: Mapping[str, float], at: float, iteration: int | None
) -> None:
    """Log numbers that say how an attempt is doing.

    Called in the executing process whenever user code logs some, at once and from any thread. Values of one name are a
    series; nothing of it is replaced.

    :param at: seconds since the epoch.
    :param iteration: the epoch or batch that the numbers belong to; ``None`` when user code did not say, and a tool that
        needs a number counts the values of each name from 0.

    .. code-block:: python

        from collections import Counter
        from collections.abc import Mapping
        from pathlib import Path
        from typing import Any

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ErrorInfo, StepInfo


        @component
        class Tensorboard:
            '''Writes metrics as event files for TensorBoard, a folder for each attempt.'''

            folder: Path = Path("tensorboard")
            _writers: dict[StepInfo, Any] = field(factory=dict, init=False, repr=False)
            _counts: Counter[tuple[StepInfo, str]] = field(factory=Counter, init=False, repr=False)

            @hookimpl
            def experiment_tracker_start(self, step: StepInfo) -> None:
                from tensorboardX import SummaryWriter

                folder = self.folder / step.run_id / f"{step.step}.{step.attempt}"
                self._writers[step] = SummaryWriter(str(folder))

            @hookimpl
            def experiment_tracker_log_metrics(
                self, step: StepInfo, metrics: Mapping[str, float], at: float, iteration: int | None
            ) -> None:
                for name, value in metrics.items():
                    position = self._counts[step, name] if iteration is None else iteration
                    self._counts[step, name] += 1
                    self._writers[step].add_scalar(name, value, position, walltime=at)

            @hookimpl
            def experiment_tracker_end(self, step: StepInfo, error: ErrorInfo | None) -> None:
                self._writers.pop(step).close()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def experiment_tracker_log_artifact(step: StepInfo, path: Path, name: str) -> None:
    """Keep a file or a directory with the tracked run.

    Called in the executing process when user code asks for it, and for the reports of data validators. The path may be
    gone once the hook has returned.

    :param name: what to call it: ``/``-separated, without empty, ``.`` and ``..`` parts. One that exists is replaced
        where the tool can.

    .. code-block:: python

        import shutil
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Folder:
            '''Keeps the files of each attempt in a folder.'''

            root: Path = Path("tracked")

            @hookimpl
            def experiment_tracker_log_artifact(self, step: StepInfo, path: Path, name: str) -> None:
                target = self.root / step.run_id / f"{step.step}.{step.attempt}" / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if path.is_dir():
                    shutil.copytree(path, target, dirs_exist_ok=True)
                else:
                    shutil.copyfile(path, target)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def experiment_tracker_set_tags(step: StepInfo, tags: Mapping[str, str]) -> None:
    """Mark the tracked run, to find it by.

    Called in the executing process when user code asks for it. A later value of a name replaces the earlier one.

    .. code-block:: python

        import sqlite3
        from collections.abc import Mapping
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class SqliteTracker:
            '''Keeps tags as rows of an SQLite table.'''

            file: Path = Path("tracked.db")

            @hookimpl
            def experiment_tracker_set_tags(self, step: StepInfo, tags: Mapping[str, str]) -> None:
                rows = [(step.run_id, step.step, step.attempt, name, value) for name, value in tags.items()]
                columns = "run_id, step, attempt, name, value, PRIMARY KEY (run_id, step, attempt, name)"
                with closing(sqlite3.connect(self.file)) as database, database:
                    database.execute(f"CREATE TABLE IF NOT EXISTS tag ({columns})")
                    database.executemany("REPLACE INTO tag VALUES (?, ?, ?, ?, ?)", rows)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def experiment_tracker_url(step: StepInfo) -> str:
    """Tell where a person sees the tracked run.

    Called in the executing process between start and end; the URL is kept in the attempt's record under the component's
    name. ``None`` when there is no such page.

    .. code-block:: python

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Mlflow:
            '''Tracks each attempt as a run of an MLflow server.'''

            uri: str = "http://127.0.0.1:5001"
            _runs: dict[StepInfo, tuple[str, str]] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def experiment_tracker_start(self, step: StepInfo) -> None:
                import mlflow

                client = mlflow.MlflowClient(self.uri)
                found = client.get_experiment_by_name(step.pipeline)
                experiment = found.experiment_id if found else client.create_experiment(step.pipeline)
                self._runs[step] = experiment, client.create_run(experiment, run_name=step.step).info.run_id

            @hookimpl
            def experiment_tracker_url(self, step: StepInfo) -> str:
                experiment, run = self._runs[step]
                return f"{self.uri}/#/experiments/{experiment}/runs/{run}"

    .. versionadded:: 0.1
    """
    raise NotImplementedError
