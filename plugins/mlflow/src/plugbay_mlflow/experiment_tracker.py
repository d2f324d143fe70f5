"""The experiment tracker that keeps runs at an MLflow server."""

from __future__ import annotations

import importlib.util
import logging
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from attrs import define, field

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.run import ErrorInfo, RunInfo, RunOutcome, StepInfo
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_mlflow import files
from plugbay_mlflow.credentials import Credentials
from plugbay_mlflow.current_run import CurrentRuns
from plugbay_mlflow.runs import Runs, Tracked
from plugbay_mlflow.server import Server, uri_problems

_log = logging.getLogger("plugbay")
_REST = 20.0
_LONGEST_PARAM = 6000
_LONGEST_TAG = 8000
_AT_ONCE = 100
_STATUS = {"succeeded": "FINISHED", "failed": "FAILED"}
_CANCELLED = ("KeyboardInterrupt", "StepCancelled")


@define(eq=False)
class _Attempt:
    """What this process knows of an attempt that it tracks."""

    run: Tracked
    is_current: bool = False
    params: dict[str, str] = field(factory=dict)
    counts: Counter[str] = field(factory=Counter)
    last: dict[str, int] = field(factory=dict)
    """When a metric was logged last, in milliseconds."""
    lock: threading.Lock = field(factory=threading.Lock)


@component
class MlflowExperimentTracker:
    """Track each run as a run of an MLflow server, and each attempt of a step as a nested run of it.

    The nested run is MLflow's current one while the step runs: `mlflow.autolog()` and `mlflow.log_metric` land in it.
    """

    uri: str = "http://127.0.0.1:5000"
    """The address of the server."""
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None
    experiment: str | None = None
    """The experiment that runs are kept in; without it, one with the name of the pipeline."""
    autolog: bool = True
    """Make the attempt MLflow's current run. It costs each process the import of MLflow, which takes seconds."""
    timeout: float = 10.0
    """Seconds to wait for an answer, also of what user code logs with MLflow itself."""
    retries: int = 2
    """How often the server is asked again when it is busy or not there."""
    ui: str | None = None
    """Where a browser finds the server, when that is not `uri`."""
    _attempts: dict[StepInfo, _Attempt] = field(factory=dict, init=False, repr=False)
    _ended: dict[str, dict[tuple[str, str], str]] = field(factory=dict, init=False, repr=False)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        return uri_problems(self.uri, self._credentials)

    @hookimpl
    def component_health(self) -> Health:
        return self._server.health()

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"server": self._page, "experiment": self.experiment or "the name of the pipeline"}

    @hookimpl
    def run_started(self, run: RunInfo) -> None:
        self._ended[run.id] = {}
        self._runs.begin(run)

    @hookimpl
    def step_succeeded(self, step: StepInfo) -> None:
        self._remember(step, "FINISHED")

    @hookimpl
    def step_retrying(self, step: StepInfo, error: ErrorInfo) -> None:
        self._remember(step, _failure(error))

    @hookimpl
    def step_failed(self, step: StepInfo, error: ErrorInfo) -> None:
        self._remember(step, _failure(error))

    @hookimpl
    def run_finished(self, run: RunInfo, outcome: RunOutcome) -> None:
        self._runs.settle(run, _STATUS.get(outcome.status, "KILLED"), self._ended.pop(run.id, {}))

    @hookimpl
    def experiment_tracker_start(self, step: StepInfo) -> None:
        attempt = _Attempt(self._runs.begin_attempt(step))
        self._attempts[step] = attempt
        if self.autolog and importlib.util.find_spec("mlflow") is not None:
            try:
                self._current.begin(attempt.run.id)
                attempt.is_current = True
            except Exception as error:  # noqa: BLE001  MLflow's own, and the rest of the tracking goes on without it
                _log.warning("step %s is tracked, but not as MLflow's current run: %s", step.step, error)

    @hookimpl
    def experiment_tracker_end(self, step: StepInfo, error: ErrorInfo | None) -> None:
        attempt = self._attempts.pop(step)
        status = "FINISHED" if error is None else _failure(error)
        try:
            if attempt.is_current:
                self._current.end(attempt.run.id, status)
        finally:
            self._runs.end(attempt.run.id, status)

    @hookimpl
    def experiment_tracker_log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
        attempt = self._attempts[step]
        texts = {name: str(value)[:_LONGEST_PARAM] for name, value in params.items()}
        with attempt.lock:
            kept = {
                name: attempt.params[name] for name, text in texts.items() if attempt.params.get(name, text) != text
            }
            fresh = {name: text for name, text in texts.items() if name not in attempt.params}
            attempt.params |= fresh
        self._log(attempt, "params", [{"key": name, "value": text} for name, text in fresh.items()])
        if kept:
            msg = f"MLflow keeps the first value of a param: {', '.join(f'{name} = {text}' for name, text in kept.items())}"
            raise ValueError(msg)

    @hookimpl
    def experiment_tracker_log_metrics(
        self, step: StepInfo, metrics: Mapping[str, float], at: float, iteration: int | None
    ) -> None:
        attempt = self._attempts[step]
        logged = []
        with attempt.lock:
            for name, value in metrics.items():
                # MLflow sorts a series by time, to the millisecond, and keeps equal points once.
                moment = attempt.last[name] = max(int(at * 1000), attempt.last.get(name, 0) + 1)
                position = attempt.counts[name] if iteration is None else iteration
                attempt.counts[name] += 1
                logged.append({"key": name, "value": _number(value), "timestamp": moment, "step": position})
        self._log(attempt, "metrics", logged)

    @hookimpl
    def experiment_tracker_log_artifact(self, step: StepInfo, path: Path, name: str) -> None:
        files.upload(self._server, self._attempts[step].run.artifacts, path, name)

    @hookimpl
    def experiment_tracker_set_tags(self, step: StepInfo, tags: Mapping[str, str]) -> None:
        given = [{"key": name, "value": value[:_LONGEST_TAG]} for name, value in tags.items()]
        self._log(self._attempts[step], "tags", given)

    @hookimpl
    def experiment_tracker_url(self, step: StepInfo) -> str:
        run = self._attempts[step].run
        return f"{self._page}/#/experiments/{run.experiment}/runs/{run.id}"

    def _log(self, attempt: _Attempt, kind: str, entries: list[dict[str, Any]]) -> None:
        """Log entries, all that the server takes when it refuses some."""
        refused: list[str] = []

        def log(some: list[dict[str, Any]]) -> None:
            try:
                self._server.post("runs/log-batch", run_id=attempt.run.id, **{kind: some})
            except ValueError as error:
                if len(some) == 1:
                    refused.append(str(error))
                    return
                for one in some:
                    log([one])

        for start in range(0, len(entries), _AT_ONCE):
            log(entries[start : start + _AT_ONCE])
        if refused:
            raise ValueError("\n".join(refused))

    def _remember(self, step: StepInfo, status: str) -> None:
        self._ended.setdefault(step.run_id, {})[step.step, str(step.attempt)] = status

    @property
    def _page(self) -> str:
        return (self.ui or self.uri).rstrip("/")

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.username, self.password, self.token)

    @cached_property
    def _server(self) -> Server:
        return Server(self.uri, self._credentials, timeout=self.timeout, retries=self.retries, rest=_REST)

    @cached_property
    def _runs(self) -> Runs:
        return Runs(self._server, self.experiment)

    @cached_property
    def _current(self) -> CurrentRuns:
        return CurrentRuns(self._server.uri, self._credentials, self.timeout, self.retries)


def _failure(error: ErrorInfo) -> str:
    return "KILLED" if error.type.rpartition(".")[2] in _CANCELLED else "FAILED"


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinity; MLflow reads their names."""
    number = float(value)
    if number != number:
        return "NaN"
    return number if number not in (float("inf"), float("-inf")) else ("Infinity" if number > 0 else "-Infinity")
