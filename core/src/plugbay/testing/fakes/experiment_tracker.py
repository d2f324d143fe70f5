"""An experiment tracker without a server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from attrs import field

from plugbay.testing.experiment_tracker import Tracked
from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ErrorInfo, StepInfo


class Attempts:
    """What was logged in each attempt."""

    def __init__(self) -> None:
        """Know no attempt yet."""
        self.found: dict[tuple[str, str, int], dict[str, Any]] = {}

    def start(self, step: StepInfo) -> None:
        """Begin an attempt."""
        self.found[_key(step)] = {"params": {}, "metrics": {}, "tags": {}, "artifacts": {}, "failed": None}

    def replace(self, step: StepInfo, what: str, values: Mapping[str, Any]) -> None:
        """Keep values by name."""
        self.found[_key(step)][what].update(values)

    def append(self, step: StepInfo, metrics: Mapping[str, float], iteration: int | None) -> None:
        """Keep one more value of each name."""
        series = self.found[_key(step)]["metrics"]
        for name, value in metrics.items():
            series.setdefault(name, []).append((value, iteration))

    def end(self, step: StepInfo, failed: bool) -> None:
        """End an attempt."""
        self.found[_key(step)]["failed"] = failed

    def tracked(self, step: StepInfo) -> Tracked:
        """What was logged."""
        one = self.found[_key(step)]
        metrics = {name: tuple(series) for name, series in one["metrics"].items()}
        parts = {name: dict(one[name]) for name in ("params", "tags", "artifacts")}
        return Tracked(metrics=metrics, failed=one["failed"], **parts)

    def steps(self) -> list[str]:
        """The steps that were tracked, in the order in which they began."""
        return [step for _, step, _ in self.found]


@component
class FakeExperimentTracker:
    """Keeps what is logged; a test reads it with :meth:`tracked`."""

    kept: Any = field(factory=lambda: Shared(Attempts()), repr=False)

    def tracked(self, step: StepInfo) -> Tracked:
        """What was logged in an attempt. Raises ``KeyError`` for one that never began."""
        found: Tracked = self.kept.tracked(step)
        return found

    @property
    def steps(self) -> list[str]:
        """The ids of the steps that were tracked, in the order in which they began."""
        found: list[str] = self.kept.steps()
        return found

    @hookimpl
    def experiment_tracker_start(self, step: StepInfo) -> None:
        self.kept.start(step)

    @hookimpl
    def experiment_tracker_end(self, step: StepInfo, error: ErrorInfo | None) -> None:
        self.kept.end(step, error is not None)

    @hookimpl
    def experiment_tracker_log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
        self.kept.replace(step, "params", dict(params))

    @hookimpl
    def experiment_tracker_log_metrics(
        self, step: StepInfo, metrics: Mapping[str, float], iteration: int | None
    ) -> None:
        self.kept.append(step, dict(metrics), iteration)

    @hookimpl
    def experiment_tracker_log_artifact(self, step: StepInfo, path: Path, name: str) -> None:
        files = {name: path} if path.is_file() else {}
        files |= {f"{name}/{file.relative_to(path).as_posix()}": file for file in path.rglob("*") if file.is_file()}
        self.kept.replace(step, "artifacts", {key: file.read_bytes() for key, file in files.items()})

    @hookimpl
    def experiment_tracker_set_tags(self, step: StepInfo, tags: Mapping[str, str]) -> None:
        self.kept.replace(step, "tags", dict(tags))

    @hookimpl
    def experiment_tracker_url(self, step: StepInfo) -> str:
        return f"fake://{quote(step.run_id)}/{quote(step.step, safe='')}/{step.attempt}"


def _key(step: StepInfo) -> tuple[str, str, int]:
    return (step.run_id, step.step, step.attempt)
