"""Runs of MLflow that stand for runs and attempts of Plugbay, found again by their tags in whatever process."""

from __future__ import annotations

import getpass
import time
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

from plugbay_hookspecs.types.run import RunInfo, StepInfo
from plugbay_mlflow.server import Server

RUN, PIPELINE, STACK, STEP, ATTEMPT = (f"plugbay.{name}" for name in ("run_id", "pipeline", "stack", "step", "attempt"))
PARENT = "mlflow.parentRunId"
_LONGEST_NAME = 200
_LONGEST_TAG = 8000


@frozen
class Tracked:
    """A run of MLflow."""

    id: str
    experiment: str
    artifacts: str
    """The URI below which its files lie."""
    status: str = "RUNNING"
    tags: Mapping[str, str] = field(factory=dict)

    @property
    def is_parent(self) -> bool:
        """Whether it stands for a run of a pipeline, and not for an attempt."""
        return STEP not in self.tags

    def is_of(self, step: StepInfo) -> bool:
        """Whether it stands for this attempt."""
        return (self.tags.get(STEP), self.tags.get(ATTEMPT)) == (step.step, str(step.attempt))


@define(eq=False)
class Runs:
    """The runs at one server, in the experiment that the settings name or that of the pipeline."""

    server: Server
    experiment: str | None = None
    _experiments: dict[str, str] = field(factory=dict, init=False)
    _parents: dict[str, str] = field(factory=dict, init=False)

    def begin(self, run: RunInfo) -> None:
        """Make the run that stands for a run of a pipeline, or go on with it. Only the driver does, so there is one."""
        parent = self._parent(run.pipeline, run.id)
        if parent is None:
            tags = {RUN: run.id, PIPELINE: run.pipeline, STACK: run.stack}
            self._parents[run.id] = self._create(run.pipeline, f"{run.pipeline} {_short(run.id)}", tags).id
        else:
            self.server.post("runs/update", run_id=parent, status="RUNNING")

    def begin_attempt(self, step: StepInfo) -> Tracked:
        """Make the run that stands for an attempt, inside of that of the pipeline."""
        tags = {RUN: step.run_id, PIPELINE: step.pipeline, STEP: step.step, ATTEMPT: str(step.attempt)}
        if parent := self._parent(step.pipeline, step.run_id):
            tags[PARENT] = parent
        again = f" (attempt {step.attempt})" if step.attempt > 1 else ""
        return self._create(step.pipeline, f"{step.step[:_LONGEST_NAME]}{again}", tags)

    def end(self, run_id: str, status: str) -> None:
        """Say that a run is over, and how it ended."""
        self.server.post("runs/update", run_id=run_id, status=status, end_time=_now())

    def settle(self, run: RunInfo, status: str, ended: Mapping[tuple[str, str], str]) -> None:
        """End the run of a pipeline, and what attempts left behind that could not end theirs.

        :param ended: how attempts ended, by step and attempt; one that is not there was killed.
        """
        if self._parent(run.pipeline, run.id) is None:
            self.begin(run)
        parent = self._parents[run.id]
        for attempt in self.of_run(run.pipeline, run.id):
            if attempt.is_parent:
                continue
            if attempt.tags.get(PARENT) != parent:  # begun while nobody knew of a parent
                self.server.post("runs/set-tag", run_id=attempt.id, key=PARENT, value=parent)
            if attempt.status == "RUNNING":
                self.end(attempt.id, ended.get((attempt.tags[STEP], attempt.tags.get(ATTEMPT, "")), "KILLED"))
        self.end(parent, status)

    def of_run(self, pipeline: str, run_id: str) -> Iterator[Tracked]:
        """What stands for a run of a pipeline and its attempts."""
        query = {
            "experiment_ids": [self._experiment_id(pipeline)],
            "filter": f"tags.{RUN} = '{run_id}'",
            "order_by": ["attributes.start_time ASC"],
            "max_results": 1000,
        }
        for found in self.server.pages("runs/search", "runs", post=True, **query):
            yield _tracked(found)

    def _parent(self, pipeline: str, run_id: str) -> str | None:
        if run_id not in self._parents:
            found = next((each for each in self.of_run(pipeline, run_id) if each.is_parent), None)
            if found is None:
                return None
            self._parents[run_id] = found.id
        return self._parents[run_id]

    def _create(self, pipeline: str, name: str, tags: Mapping[str, str]) -> Tracked:
        about = {"mlflow.source.name": pipeline, "mlflow.source.type": "JOB", "mlflow.user": _user()}
        given = [{"key": key, "value": value[:_LONGEST_TAG]} for key, value in {**about, **tags}.items()]
        experiment = self._experiment_id(pipeline)
        made = self.server.post("runs/create", experiment_id=experiment, run_name=name, start_time=_now(), tags=given)
        return _tracked(made["run"])

    def _experiment_id(self, pipeline: str) -> str:
        name = self.experiment or pipeline
        if name not in self._experiments:
            self._experiments[name] = experiment_id(self.server, name)
        return self._experiments[name]


def experiment_id(server: Server, name: str) -> str:
    """The id of an experiment, which is made unless it exists."""
    try:
        return str(server.post("experiments/create", name=name)["experiment_id"])
    except FileExistsError:
        found = server.get("experiments/get-by-name", experiment_name=name)["experiment"]
    if found.get("lifecycle_stage") == "deleted":
        msg = f"the experiment {name!r} of {server.uri} is deleted: restore it, or name another one in the settings"
        raise FileNotFoundError(msg)
    return str(found["experiment_id"])


def _tracked(run: Mapping[str, Any]) -> Tracked:
    info = run["info"]
    tags = {tag["key"]: tag["value"] for tag in run.get("data", {}).get("tags", ())}
    return Tracked(info["run_id"], info["experiment_id"], info["artifact_uri"], info["status"], tags)


def _short(run_id: str) -> str:
    """The part of a run's id by which a person tells it from others: it sorts by time, and ends at random."""
    return run_id[-8:]


def _now() -> int:
    return int(time.time() * 1000)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return "unknown"
