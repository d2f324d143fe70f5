"""The experiment tracker that keeps files."""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.run import ErrorInfo, StepInfo
from plugbay_local.home import user_path
from plugbay_local.lines import append_line
from plugbay_local.objects.flushing import flush

_LONGEST = 200
_unsafe = re.compile(r"^\.|[/\\%\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@component
class FilesExperimentTracker:
    """Keep what each attempt of a step logged as files: JSON lines and copies of artifacts.

    The directory `RUN/STEP.ATTEMPT` has `attempt.jsonl`, `params.jsonl`, `metrics.jsonl`, `tags.jsonl` and the directory
    `artifacts`. Lines are only appended: of the params and tags of one name, the last counts.
    """

    path: Path | None = None
    """The directory; without it `tracked` in `PLUGBAY_HOME` or in the user's data directory."""

    @hookimpl
    def experiment_tracker_start(self, step: StepInfo) -> None:
        facts = {"pipeline": step.pipeline, "step": step.step, "name": step.name, "attempt": step.attempt}
        self._append(step, "attempt", {"started": time.time(), "run": step.run_id, **facts})

    @hookimpl
    def experiment_tracker_end(self, step: StepInfo, error: ErrorInfo | None) -> None:
        failure = None if error is None else {"type": error.type, "message": error.message}
        self._append(step, "attempt", {"ended": time.time(), "error": failure})
        directory = self._directory(step)
        for path in (*directory.glob("*.jsonl"), directory):
            file = os.open(path, os.O_RDONLY)
            try:
                flush(file)
            finally:
                os.close(file)

    @hookimpl
    def experiment_tracker_log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
        self._append(step, "params", {"params": {name: _plain(value) for name, value in params.items()}})

    @hookimpl
    def experiment_tracker_log_metrics(
        self, step: StepInfo, metrics: Mapping[str, float], at: float, iteration: int | None
    ) -> None:
        numbers = {name: _number(value) for name, value in metrics.items()}
        self._append(step, "metrics", {"at": at, "iteration": iteration, "metrics": numbers})

    @hookimpl
    def experiment_tracker_log_artifact(self, step: StepInfo, path: Path, name: str) -> None:
        parts = name.split("/")
        if not set(parts).isdisjoint(("", ".", "..")) or "\0" in name:
            msg = f"not the name of an artifact: {name!r}; its parts, divided by '/', are not empty, '.' or '..'"
            raise ValueError(msg)
        directory = self._directory(step)
        target = directory.joinpath("artifacts", *parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = directory / f".{os.urandom(8).hex()}"
        scratch.mkdir()
        try:
            _replace(path, target, scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    @hookimpl
    def experiment_tracker_set_tags(self, step: StepInfo, tags: Mapping[str, str]) -> None:
        self._append(step, "tags", {"tags": dict(tags)})

    @hookimpl
    def experiment_tracker_url(self, step: StepInfo) -> str:
        return self._directory(step).as_uri()

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"path": str(self._root())}

    def _root(self) -> Path:
        return user_path("tracked") if self.path is None else self.path.expanduser().absolute()

    def _directory(self, step: StepInfo) -> Path:
        return self._root() / _file_name(step.run_id) / f"{_file_name(step.step)}.{step.attempt}"

    def _append(self, step: StepInfo, kind: str, record: Mapping[str, object]) -> None:
        append_line(self._directory(step) / f"{kind}.jsonl", record)


def _file_name(name: str) -> str:
    """A name that a directory can have; no two names have the same."""
    safe = _unsafe.sub(lambda found: f"%{ord(found[0]):02X}", name)
    if len(safe.encode()) <= _LONGEST:
        return safe
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{safe.encode()[: _LONGEST - len(digest) - 1].decode(errors='ignore')}%{digest}"


def _replace(source: Path, target: Path, scratch: Path) -> None:
    """Copy a file or a directory to where it belongs, whole or not at all; links are copied as what they lead to."""
    copy = scratch / "new"
    if source.is_dir():
        shutil.copytree(source, copy)
    else:
        shutil.copyfile(source, copy)
    if target.is_dir() or copy.is_dir():
        # A directory is replaced by nothing but an empty one.
        try:
            target.rename(scratch / "old")
        except FileNotFoundError:
            pass
    copy.rename(target)


def _number(value: float) -> float | str:
    """JSON has no NaN and no infinity; ``float`` reads their names."""
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _plain(value: object) -> object:
    try:
        return json.loads(json.dumps(value, allow_nan=False, default=str))
    except (TypeError, ValueError, RecursionError):
        return str(value)
