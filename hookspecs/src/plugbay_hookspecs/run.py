"""Hooks that follow a run: any component and any observer may implement them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plugbay_hookspecs.markers import hookspec

if TYPE_CHECKING:
    from plugbay_hookspecs.types import (
        Artifact,
        CacheSource,
        ErrorInfo,
        Plan,
        RunInfo,
        RunOutcome,
        StepCall,
        StepInfo,
    )


@hookspec
def run_prepare(plan: Plan) -> None:
    """Look at the plan before anything is submitted.

    Called in the driver for every plugin of the stack, before the run has an id. Raising vetoes the run: the exception
    is shown and nothing is left behind.

    .. code-block:: python

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Plan


        @component
        class Budget:
            '''Refuses a plan whose steps might take more hours than they are given.'''

            hours: float = 12.0

            @hookimpl
            def run_prepare(self, plan: Plan) -> None:
                endless = [step.id for step in plan.steps if step.timeout is None]
                if endless:
                    msg = f"{plan.pipeline} has steps without a timeout: {', '.join(endless)}"
                    raise ValueError(msg)
                hours = sum((step.timeout or 0.0) * (1 + step.retry.retries) for step in plan.steps) / 3600
                if hours > self.hours:
                    msg = f"{plan.pipeline} might take {hours:.1f} hours, and the budget is {self.hours:.1f}"
                    raise ValueError(msg)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def run_started(run: RunInfo) -> None:
    """Learn that a run has begun or was resumed.

    Called in the driver, first of the run's events. An exception is reported and does not fail the run.

    .. code-block:: python

        import json
        import time
        from pathlib import Path

        from attrs import asdict
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RunInfo


        @component
        class Journal:
            '''Writes a line of JSON for each run that starts.'''

            file: Path = Path("runs.jsonl")

            @hookimpl
            def run_started(self, run: RunInfo) -> None:
                with self.file.open("a", encoding="utf-8") as journal:
                    print(json.dumps({"at": time.time(), **asdict(run)}), file=journal)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def run_finished(run: RunInfo, outcome: RunOutcome) -> None:
    """Learn how a run ended.

    Called in the driver, last of the run's events, after the end was recorded. An exception is reported and does not
    change the outcome.

    .. code-block:: python

        import json
        from urllib.request import Request, urlopen

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RunInfo, RunOutcome


        @component
        class Webhook:
            '''Posts to a chat how a run ended, unless it went well.'''

            url: str = "https://chat.example.com/hook"

            @hookimpl
            def run_finished(self, run: RunInfo, outcome: RunOutcome) -> None:
                if outcome.status != "succeeded":
                    text = f"{run.pipeline} {outcome.status} after {outcome.seconds:.0f} s: {outcome.error or ''}"
                    body = json.dumps({"text": text}).encode()
                    urlopen(Request(self.url, body, {"Content-Type": "application/json"}), timeout=10).close()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_queued(step: StepInfo) -> None:
    """Learn that all a step needs is there and the orchestrator may start it.

    Called in the driver, for the first attempt only. An exception is reported and does not fail the run.

    .. code-block:: python

        from time import monotonic

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class QueueTimes:
            '''Prints how long each step waited for a free worker.'''

            _queued: dict[tuple[str, str], float] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def step_queued(self, step: StepInfo) -> None:
                self._queued[step.run_id, step.step] = monotonic()

            @hookimpl
            def step_started(self, step: StepInfo) -> None:
                if step.attempt == 1:
                    print(f"{step.step} waited {monotonic() - self._queued.pop((step.run_id, step.step)):.1f} s")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_started(step: StepInfo) -> None:
    """Learn that an attempt was handed to the orchestrator.

    Called in the driver, once for each attempt. An exception is reported and does not fail the run.

    .. code-block:: python

        import logging

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Log:
            '''Tells the log of each attempt that starts.'''

            level: str = "INFO"

            @hookimpl
            def step_started(self, step: StepInfo) -> None:
                level = logging.getLevelNamesMapping()[self.level]
                logging.getLogger(step.pipeline).log(level, "%s: attempt %d started", step.step, step.attempt)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_cached(step: StepInfo, source: CacheSource) -> None:
    """Learn that a step was answered from the cache.

    Called in the driver instead of :func:`step_started` and :func:`step_succeeded`. An exception is reported and does
    not fail the run.

    :param source: the run, step and attempt that the result came from.

    .. code-block:: python

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import CacheSource, RunInfo, RunOutcome, StepInfo


        @component
        class Reuse:
            '''Prints at the end of a run which steps were answered from which earlier run.'''

            _sources: dict[str, str] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def step_cached(self, step: StepInfo, source: CacheSource) -> None:
                self._sources[step.step] = source.run_id

            @hookimpl
            def run_finished(self, run: RunInfo, outcome: RunOutcome) -> None:
                for step, run_id in self._sources.items():
                    print(f"{step} came from run {run_id}")
                self._sources.clear()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_retrying(step: StepInfo, error: ErrorInfo, delay: float) -> None:
    """Learn that an attempt failed and another one follows.

    Called in the driver, after the failed attempt was recorded. An exception is reported and does not fail the run.

    :param step: the attempt that failed.
    :param delay: seconds until the next attempt.

    .. code-block:: python

        import warnings

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ErrorInfo, StepInfo


        @component
        class FlakySteps:
            '''Warns of a step that keeps failing.'''

            patience: int = 2

            @hookimpl
            def step_retrying(self, step: StepInfo, error: ErrorInfo, delay: float) -> None:
                if step.attempt >= self.patience:
                    warnings.warn(f"{step.step} failed {step.attempt} times; retrying in {delay:.0f} s", stacklevel=1)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_skipped(step: StepInfo, reason: str) -> None:
    """Learn that a step will not run.

    Called in the driver. An exception is reported and does not fail the run.

    :param reason: for a person: which step it needs and what came of that.

    .. code-block:: python

        import sys

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class SkippedSteps:
            '''Says on standard error which steps do not run, and why.'''

            @hookimpl
            def step_skipped(self, step: StepInfo, reason: str) -> None:
                print(f"{step.pipeline}: {step.step} is skipped: {reason}", file=sys.stderr)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_succeeded(step: StepInfo, outputs: Mapping[str, Artifact], seconds: float) -> None:
    """Learn that a step succeeded.

    Called in the driver, only after the outputs were checked, stored and recorded. An exception is reported and does
    not fail the run.

    :param outputs: by output name.
    :param seconds: how long the attempt took.

    .. code-block:: python

        import csv
        from collections.abc import Mapping
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Artifact, StepInfo


        @component
        class Durations:
            '''Appends a row to a CSV file for each step: what it is called, its seconds, the bytes it made.'''

            file: Path = Path("durations.csv")

            @hookimpl
            def step_succeeded(self, step: StepInfo, outputs: Mapping[str, Artifact], seconds: float) -> None:
                size = sum(artifact.size for artifact in outputs.values())
                with self.file.open("a", newline="", encoding="utf-8") as table:
                    csv.writer(table).writerow([step.run_id, step.step, seconds, size])

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_failed(step: StepInfo, error: ErrorInfo, seconds: float) -> None:
    """Learn that a step failed for good.

    Called in the driver, after its last attempt was recorded. An exception is reported and does not change the outcome.

    :param seconds: how long the last attempt took; 0 for a step that failed before it had one, since it was to be mapped
        over something that is no list.

    .. code-block:: python

        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ErrorInfo, StepInfo


        @component
        class Tracebacks:
            '''Leaves the traceback of each failed step in a file of its own.'''

            folder: Path = Path("tracebacks")

            @hookimpl
            def step_failed(self, step: StepInfo, error: ErrorInfo) -> None:
                self.folder.mkdir(parents=True, exist_ok=True)
                file = self.folder / f"{step.run_id}-{step.step}-{step.attempt}.txt"
                file.write_text(error.traceback or str(error), encoding="utf-8")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_cancelled(step: StepInfo, seconds: float) -> None:
    """Learn that an attempt was ended before its time: somebody cancelled the run, or another step failed fast.

    Called in the driver, after the attempt was recorded. Steps that had not begun are told by :func:`step_skipped`, and a
    step that took longer than its timeout by :func:`step_retrying` or :func:`step_failed`. An exception is reported and
    does not change the outcome.

    :param seconds: how long the attempt took.

    .. code-block:: python

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import RunInfo, StepInfo


        @component
        class Waste:
            '''Adds up the seconds that cancelled attempts had taken, run by run.'''

            seconds: dict[str, float] = field(factory=dict, init=False)

            @hookimpl
            def run_started(self, run: RunInfo) -> None:
                self.seconds[run.id] = 0.0

            @hookimpl
            def step_cancelled(self, step: StepInfo, seconds: float) -> None:
                self.seconds[step.run_id] += seconds

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_enter(step: StepInfo) -> None:
    """Prepare for the execution of a step in this process.

    Called in the executing process before the inputs are loaded, in stack order. If one raises, the attempt fails, and
    :func:`step_leave` is called for all that were entered.

    .. code-block:: python

        import random
        import zlib

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Seed:
            '''Seeds the random numbers of each step, differently for each step and alike in each run.'''

            seed: int = 0

            @hookimpl
            def step_enter(self, step: StepInfo) -> None:
                random.seed(zlib.crc32(step.step.encode(), self.seed))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_leave(step: StepInfo, error: ErrorInfo | None) -> None:
    """Undo what :func:`step_enter` did.

    Called in the executing process after the outputs were stored and before the attempt is recorded, in reverse stack
    order, for every plugin that was entered. If any raises, the attempt fails with all the errors.

    :param error: why the attempt failed, ``None`` when it did not.

    .. code-block:: python

        from threading import Timer

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import ErrorInfo, StepInfo


        @component
        class SlowSteps:
            '''Says so when a step takes longer than it should.'''

            seconds: float = 600.0
            _timers: dict[StepInfo, Timer] = field(factory=dict, init=False, repr=False)

            @hookimpl
            def step_enter(self, step: StepInfo) -> None:
                self._timers[step] = Timer(self.seconds, print, [f"{step.step} has run for {self.seconds:.0f} s"])
                self._timers[step].start()

            @hookimpl
            def step_leave(self, step: StepInfo, error: ErrorInfo | None) -> None:
                self._timers.pop(step).cancel()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def step_call(step: StepInfo, call: StepCall) -> Any:
    """Call the user's function.

    Called in the executing process. The host's own implementation comes last and makes the call, so that a wrapper
    (``hookimpl(wrapper=True)``) can measure, trace or limit it. Whatever is raised fails the attempt.

    :param call: the function with its arguments; ``call()`` makes the call.
    :returns: what the function returned. ``None`` from any other implementation passes the call on to the next one.

    .. code-block:: python

        from collections.abc import Generator
        from time import perf_counter
        from typing import Any

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepCall, StepInfo


        @component
        class Stopwatch:
            '''Measures the call of the user's function, without loading its inputs and storing its outputs.'''

            @hookimpl(wrapper=True)
            def step_call(self, step: StepInfo, call: StepCall) -> Generator[None, Any, Any]:
                began = perf_counter()
                try:
                    return (yield)
                finally:
                    print(f"{step.step}: {call.function.__name__} took {perf_counter() - began:.3f} s")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def step_metadata(step: StepInfo) -> Mapping[str, object]:
    """Add facts to the record of an attempt.

    Called in the executing process after the call, whether it succeeded or not. The facts must be plain JSON values;
    they are kept under the component's name. ``None`` adds nothing; an exception is reported and does not fail the
    attempt.

    .. code-block:: python

        import os
        import platform
        from collections.abc import Mapping

        from plugbay_hookspecs import component, hookimpl


        @component
        class Machine:
            '''Records the machine that executed a step.'''

            @hookimpl
            def step_metadata(self) -> Mapping[str, object]:
                return {"host": platform.node(), "python": platform.python_version(), "cpus": os.cpu_count()}

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def artifact_saved(step: StepInfo, artifact: Artifact) -> None:
    """Learn that an output is in the artifact store.

    Called in the executing process, before the attempt is recorded. An exception is reported and does not fail the
    attempt.

    .. code-block:: python

        import sqlite3
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Artifact, StepInfo


        @component
        class Catalogue:
            '''Keeps a table of all artifacts, to find the step that made one by its digest.'''

            file: Path = Path("artifacts.db")

            @hookimpl
            def artifact_saved(self, step: StepInfo, artifact: Artifact) -> None:
                row = (artifact.digest, artifact.type, artifact.size, step.run_id, step.step)
                with closing(sqlite3.connect(self.file)) as database, database:
                    database.execute("CREATE TABLE IF NOT EXISTS artifact (digest, type, size, run_id, step)")
                    database.execute("INSERT INTO artifact VALUES (?, ?, ?, ?, ?)", row)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def artifact_loaded(step: StepInfo, artifact: Artifact) -> None:
    """Learn that an input was read and its digest was right.

    Called in the executing process. An exception is reported and does not fail the attempt.

    .. code-block:: python

        from collections import Counter
        from collections.abc import Mapping

        from attrs import field
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Artifact, StepInfo


        @component
        class Traffic:
            '''Records how many bytes each step read.'''

            _read: Counter[StepInfo] = field(factory=Counter, init=False, repr=False)

            @hookimpl
            def artifact_loaded(self, step: StepInfo, artifact: Artifact) -> None:
                self._read[step] += artifact.size

            @hookimpl
            def step_metadata(self, step: StepInfo) -> Mapping[str, object]:
                return {"bytes_read": self._read.pop(step, 0)}

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def log_metrics(step: StepInfo, metrics: Mapping[str, float], at: float) -> None:
    """Receive the metrics that user code logs with ``current().log_metrics(...)``.

    Called in the executing process, at once. An exception is reported and does not fail the attempt.

    :param at: seconds since the epoch.

    .. code-block:: python

        import sqlite3
        from collections.abc import Mapping
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Metrics:
            '''Keeps the metrics of all runs in an SQLite table.'''

            file: Path = Path("metrics.db")

            @hookimpl
            def log_metrics(self, step: StepInfo, metrics: Mapping[str, float], at: float) -> None:
                rows = [(step.run_id, step.step, at, name, value) for name, value in metrics.items()]
                with closing(sqlite3.connect(self.file)) as database, database:
                    database.execute("CREATE TABLE IF NOT EXISTS metric (run_id, step, at, name, value)")
                    database.executemany("INSERT INTO metric VALUES (?, ?, ?, ?, ?)", rows)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec
def log_params(step: StepInfo, params: Mapping[str, object]) -> None:
    """Receive the parameters that user code logs with ``current().log_params(...)``.

    Called in the executing process, at once. An exception is reported and does not fail the attempt.

    .. code-block:: python

        import json
        from collections.abc import Mapping
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import StepInfo


        @component
        class Params:
            '''Appends the parameters that steps log to a file of JSON lines.'''

            file: Path = Path("params.jsonl")

            @hookimpl
            def log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
                line = json.dumps({"run": step.run_id, "step": step.step, "params": dict(params)}, default=repr)
                with self.file.open("a", encoding="utf-8") as lines:
                    print(line, file=lines)

    .. versionadded:: 0.1
    """
    raise NotImplementedError
