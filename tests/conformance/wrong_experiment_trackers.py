"""Trackers that are right but for one thing; ``test_wrong_experiment_trackers`` runs them through the contract."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ErrorInfo, StepInfo
from plugbay_local.experiment_tracker import StoreExperimentTracker

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "local" / "tests"))

import test_local_experiment_tracker


@component
class Rounding(StoreExperimentTracker):
    """Keeps numbers as a person would write them."""

    @hookimpl
    def experiment_tracker_log_metrics(
        self, step: StepInfo, metrics: Mapping[str, float], at: float, iteration: int | None
    ) -> None:
        rounded = {name: float(f"{value:.6g}") for name, value in metrics.items()}
        super().experiment_tracker_log_metrics(step, rounded, at, iteration)


@component
class Careless(StoreExperimentTracker):
    """Has one current run, as many tools do, and logs whatever comes to it."""

    _current: StepInfo | None = attrs.field(default=None, init=False, repr=False)

    @hookimpl
    def experiment_tracker_start(self, step: StepInfo) -> None:
        self._current = step
        super().experiment_tracker_start(step)

    @hookimpl
    def experiment_tracker_log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
        super().experiment_tracker_log_params(self._current or step, params)


@component
class Belated(StoreExperimentTracker):
    """Copies artifacts when the attempt ends, and those that are gone by then not at all."""

    _logged: list[tuple[StepInfo, Path, str]] = attrs.field(factory=list, init=False, repr=False)

    @hookimpl
    def experiment_tracker_log_artifact(self, step: StepInfo, path: Path, name: str) -> None:
        self._logged.append((step, path, name))

    @hookimpl
    def experiment_tracker_end(self, step: StepInfo, error: ErrorInfo | None) -> None:
        for of, path, name in self._logged:
            if of == step and path.exists():
                super().experiment_tracker_log_artifact(step, path, name)
        super().experiment_tracker_end(step, error)


class TrackerContract(test_local_experiment_tracker.TestInADirectory):
    flavor: Callable[..., Any]

    @pytest.fixture
    def component(self, tmp_path: Path) -> StoreExperimentTracker:
        return self.flavor(path=tmp_path / "tracked")


class TestRounding(TrackerContract):
    flavor = Rounding


class TestCareless(TrackerContract):
    flavor = Careless


class TestBelated(TrackerContract):
    flavor = Belated
