"""The flavors do what every flavor of their types does, at a server on SQLite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from reading import Reader

from plugbay.testing.experiment_tracker import ExperimentTrackerContract, Tracked
from plugbay.testing.model_registry import ModelRegistryContract
from plugbay_hookspecs.types import StepInfo
from plugbay_mlflow.experiment_tracker import MlflowExperimentTracker
from plugbay_mlflow.model_registry import MlflowModelRegistry


class TestTracker(ExperimentTrackerContract):
    lacking = {"replacing": "MLflow keeps the first value of a param"}
    names = ("learning rate", "a/b", "a.b", "a-b_c", "ü", "日本", "a:b")
    endless = False

    @pytest.fixture
    def component(self, mlflow_uri: str) -> MlflowExperimentTracker:
        return MlflowExperimentTracker(uri=mlflow_uri, autolog=False)

    def tracked(self, component: Any, step: StepInfo) -> Tracked:
        return Reader(component.uri).tracked(step)


class TestRegistry(ModelRegistryContract):
    @pytest.fixture
    def component(self, mlflow_uri: str) -> Iterator[MlflowModelRegistry]:
        registry = MlflowModelRegistry(uri=mlflow_uri)
        yield registry
        for model in registry.model_registry_list({}):
            registry.model_registry_delete(model.name)
