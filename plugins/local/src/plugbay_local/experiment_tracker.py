"""The experiment tracker that keeps JSON lines and files, in the artifact store or in a directory."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.run import ErrorInfo, StepInfo
from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.attempts.open import OpenAttempts
from plugbay_local.attempts.writing import LOG, Lines, LinesInFile, LinesInStore
from plugbay_local.objects.directory import Directory
from plugbay_local.objects.naming import part_of, short_part_of
from plugbay_local.objects.trees import replace_tree

if TYPE_CHECKING:
    from plugbay_local.attempts.reading import TrackedAttempt


@component
class StoreExperimentTracker:
    """Keep what each attempt of a step logged as JSON lines and copies of artifacts, in the stack's artifact store.

    `RUN/STEP.ATTEMPT/` has `log.jsonl` and `artifacts/`. Of the params and tags of one name, the last counts. Every machine
    that reaches the artifact store sees the same; of a step that is killed the lines of the last second are lost.
    """

    path: Path | None = None
    """A directory to keep all in instead; there a line is written at once, and in the artifact store within a second."""
    _store: ObjectStore | None = attrs.field(default=None, init=False, repr=False)
    _open: OpenAttempts = attrs.field(factory=OpenAttempts, init=False, repr=False)

    @hookimpl
    def component_start(self, store: ObjectStore) -> None:
        self._store = store

    @hookimpl
    def component_stop(self) -> None:
        self._open.close_all()

    @hookimpl
    def experiment_tracker_start(self, step: StepInfo) -> None:
        facts = {"pipeline": step.pipeline, "step": step.step, "name": step.name, "attempt": step.attempt}
        self._lines(step).append({"started": time.time(), "run": step.run_id, **facts})

    @hookimpl
    def experiment_tracker_end(self, step: StepInfo, error: ErrorInfo | None) -> None:
        failure = None if error is None else {"type": error.type, "message": error.message}
        self._lines(step).append({"ended": time.time(), "error": failure})
        self._open.close(step)

    @hookimpl
    def experiment_tracker_log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
        self._lines(step).append({"params": {name: _plain(value) for name, value in params.items()}})

    @hookimpl
    def experiment_tracker_log_metrics(
        self, step: StepInfo, metrics: Mapping[str, float], at: float, iteration: int | None
    ) -> None:
        numbers = {name: _number(value) for name, value in metrics.items()}
        self._lines(step).append({"at": at, "iteration": iteration, "metrics": numbers})

    @hookimpl
    def experiment_tracker_log_artifact(self, step: StepInfo, path: Path, name: str) -> None:
        parts = name.split("/")
        if not set(parts).isdisjoint(("", ".", "..")) or "\0" in name:
            msg = f"not the name of an artifact: {name!r}; its parts, divided by '/', are not empty, '.' or '..'"
            raise ValueError(msg)
        key = "/".join(part_of(part) for part in parts)
        replace_tree(self._objects, f"{_prefix(step)}artifacts/{key}", path)

    @hookimpl
    def experiment_tracker_set_tags(self, step: StepInfo, tags: Mapping[str, str]) -> None:
        self._lines(step).append({"tags": dict(tags)})

    @hookimpl
    def experiment_tracker_url(self, step: StepInfo) -> str | None:
        return self._objects.url(_prefix(step) + LOG)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"kept in": "the artifact store"} if self.path is None else {"path": str(self._root)}

    def tracked(self, run_id: str, step: str, attempt: int = 1) -> TrackedAttempt | None:
        """What was logged in an attempt, which may still go on; ``None`` when nothing was."""
        from plugbay_local.attempts.reading import read_attempt

        info = StepInfo(run_id=run_id, pipeline="", step=step, name=step, attempt=attempt)
        return read_attempt(self._objects, _prefix(info))

    def read(self, key: str) -> bytes:
        """The bytes of an artifact, whose key :meth:`tracked` tells."""
        return self._objects.get(key)

    @property
    def _root(self) -> Path:
        assert self.path is not None
        return self.path.expanduser().absolute()

    @property
    def _objects(self) -> ObjectStore:
        if self.path is not None:
            return Directory(str(self._root))
        if self._store is None:
            msg = "the experiment tracker is not started: use it in a step, or in a block `with stack:`"
            raise OSError(msg)
        return self._store

    def _lines(self, step: StepInfo) -> Lines:
        return self._open.get(step, self._made)

    def _made(self, step: StepInfo) -> Lines:
        prefix = _prefix(step)
        return LinesInStore(self._objects, prefix) if self.path is None else LinesInFile(self._root / prefix / LOG)


def _prefix(step: StepInfo) -> str:
    return f"{short_part_of(step.run_id)}/{short_part_of(step.step)}.{step.attempt}/"


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinity; ``float`` reads their names."""
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _plain(value: object) -> object:
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=str))
    except (TypeError, ValueError, RecursionError):
        return str(value)
