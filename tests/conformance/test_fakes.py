"""The fakes of the test kit keep to the contracts of their types."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from plugbay.testing.alerter import AlerterContract
from plugbay.testing.annotator import AnnotatorContract
from plugbay.testing.artifact_store import ArtifactStoreContract
from plugbay.testing.container_registry import ContainerRegistryContract
from plugbay.testing.data_validator import DataValidatorContract
from plugbay.testing.experiment_tracker import ExperimentTrackerContract
from plugbay.testing.fakes.alerter import FakeAlerter
from plugbay.testing.fakes.annotator import FakeAnnotator
from plugbay.testing.fakes.artifact_store import FakeArtifactStore
from plugbay.testing.fakes.container_registry import FakeContainerRegistry
from plugbay.testing.fakes.data_validator import FakeDataValidator
from plugbay.testing.fakes.experiment_tracker import FakeExperimentTracker
from plugbay.testing.fakes.feature_store import FakeFeatureStore, FeatureView
from plugbay.testing.fakes.image_builder import FakeImageBuilder
from plugbay.testing.fakes.model_deployer import FakeModelDeployer
from plugbay.testing.fakes.model_registry import FakeModelRegistry
from plugbay.testing.fakes.orchestrator import FakeOrchestrator
from plugbay.testing.fakes.secrets_manager import FakeSecretsManager
from plugbay.testing.fakes.step_operator import FakeStepOperator
from plugbay.testing.feature_store import FeatureStoreContract
from plugbay.testing.image_builder import ImageBuilderContract
from plugbay.testing.model_deployer import ModelDeployerContract
from plugbay.testing.model_registry import ModelRegistryContract
from plugbay.testing.orchestrator import OrchestratorContract
from plugbay.testing.secrets_manager import SecretsManagerContract
from plugbay.testing.step_operator import StepOperatorContract
from plugbay_hookspecs.types import FeatureDefinition


class TestFakeOrchestrator(OrchestratorContract):
    lacking = {"parallel": "one step after the other", "cancel": "a step is a call in the driver"}

    @pytest.fixture
    def component(self) -> Any:
        return FakeOrchestrator()


class TestFakeArtifactStore(ArtifactStoreContract):
    lacking = dict.fromkeys(("local_path", "url", "scratch"), "the objects are in memory")

    @pytest.fixture
    def component(self) -> Any:
        return FakeArtifactStore()


class TestFakeSecretsManager(SecretsManagerContract):
    @pytest.fixture
    def component(self) -> Any:
        return FakeSecretsManager()


class TestFakeContainerRegistry(ContainerRegistryContract):
    lacking = {"login": "there is no server"}

    @pytest.fixture
    def component(self) -> Any:
        return FakeContainerRegistry()


class TestFakeImageBuilder(ImageBuilderContract):
    base = "registry.fake/python:1"
    lacking = {"containerfile": "it reads none"}

    @pytest.fixture
    def component(self) -> Any:
        return FakeImageBuilder()


class TestFakeModelRegistry(ModelRegistryContract):
    lacking = {"load": "it keeps files"}

    @pytest.fixture
    def component(self) -> Any:
        return FakeModelRegistry()


class TestFakeModelDeployer(ModelDeployerContract):
    lacking = {"logs": "models are loaded in the process of the test"}

    @pytest.fixture
    def component(self) -> Any:
        return FakeModelDeployer()


class TestFakeStepOperator(StepOperatorContract):
    lacking = {"memory": "it limits nothing"}

    @pytest.fixture
    def component(self) -> Any:
        return FakeStepOperator()


class TestFakeDataValidator(DataValidatorContract):
    @pytest.fixture
    def component(self) -> Any:
        return FakeDataValidator()


class TestFakeExperimentTracker(ExperimentTrackerContract):
    @pytest.fixture
    def component(self) -> Any:
        return FakeExperimentTracker()

    def tracked(self, component: Any, step: Any) -> Any:
        return component.tracked(step)


class TestFakeAlerter(AlerterContract):
    @pytest.fixture
    def component(self) -> Any:
        return FakeAlerter()

    def told(self, component: Any) -> list[str]:
        return [
            "\n".join([message.title, message.text, *map(str, message.fields.items()), message.link or ""])
            for message in component.messages
        ]

    @contextmanager
    def answering(self, component: Any, approved: bool) -> Iterator[None]:
        component.answer(approved)
        yield


class TestFakeAnnotator(AnnotatorContract):
    @pytest.fixture
    def component(self) -> Any:
        return FakeAnnotator()

    def answer(self, component: Any, name: str, task_id: str, label: Any, by: str) -> None:
        component.answer(name, task_id, label, by=by)

    def decline(self, component: Any, name: str, task_id: str, by: str) -> None:
        component.decline(name, task_id)


class TestFakeFeatureStore(FeatureStoreContract):
    @pytest.fixture
    def component(self) -> Any:
        return FakeFeatureStore()

    def define(self, views: Any, services: Any, folder: Any) -> list[Any]:
        found = [FeatureDefinition(kind="entity", name=key, keys=(key,)) for key in {view.key for view in views}]
        return [
            *found,
            *(
                FeatureView(
                    name=view.name,
                    keys=(view.key,),
                    features=view.features,
                    ttl=None if view.ttl is None else view.ttl.total_seconds(),
                    source=view.source,
                    history=view.history,
                )
                for view in views
            ),
            *(
                FeatureDefinition(kind="service", name=service.name, features=dict.fromkeys(service.features, ""))
                for service in services
            ),
        ]

    def refused(self, good: Any, folder: Any) -> list[Any]:
        return [*self.define([good], [], folder), FeatureView(name="bad", keys=("driver",), features={})]
