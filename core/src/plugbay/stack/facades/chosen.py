"""The facades of one stack, as attributes named like the component types."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from plugbay.errors import PluginError
from plugbay.stack.facades.addressed import ByName, missing

if TYPE_CHECKING:
    from plugbay.host.host import Component, Host
    from plugbay.stack.facades.alerter import Alerter
    from plugbay.stack.facades.annotator import Annotator
    from plugbay.stack.facades.container_registry import ContainerRegistry
    from plugbay.stack.facades.data_validator import DataValidator
    from plugbay.stack.facades.experiment_tracker import ExperimentTracker
    from plugbay.stack.facades.feature_store import FeatureStore
    from plugbay.stack.facades.image_builder import ImageBuilder
    from plugbay.stack.facades.model_deployer import ModelDeployer
    from plugbay.stack.facades.model_registry import ModelRegistry
    from plugbay.stack.facades.orchestrator import Orchestrator
    from plugbay.stack.facades.secrets_manager import SecretsManager
    from plugbay.stack.facades.step_operator import StepOperator
    from plugbay_hookspecs.types import ModelVersion

F = TypeVar("F")


class Facades:
    """What a stack is asked for its components by.

    Of a type that a stack takes one of, the attribute is that component. Of trackers, alerters and secrets managers it
    is all of them, told or asked as their type has it; of the others it is the only one. The plural finds a component by
    its name. An attribute raises :class:`ConfigError` that says what to write when there is no such component. Modules
    are imported when they are needed.
    """

    host: Host

    @property
    def name(self) -> str:
        """The stack's name."""
        raise NotImplementedError

    def of_type(self, kind: str) -> list[Component]:
        """The components of a type, in stack order."""
        raise NotImplementedError

    def read_version(self, registry: ModelRegistry, version: ModelVersion) -> Any:
        """Read a version of a model that its registry cannot load."""
        raise NotImplementedError

    def by_name(self, kind: str, facade: Callable[[Host, Component], F]) -> ByName[F]:
        """Reach each component of a type through ``facade``."""
        return ByName(self.name, kind, {part.info.name: facade(self.host, part) for part in self.of_type(kind)})

    def only(self, kind: str) -> Component:
        """The component of a type. Raises :class:`ConfigError` when there is none."""
        found = self.of_type(kind)
        if not found:
            raise missing(self.name, kind)
        return found[0]

    @functools.cached_property
    def orchestrator(self) -> Orchestrator:
        """The orchestrator; a worker's stack may be without.

        Raises :class:`PluginError` when it is.
        """
        from plugbay.stack.facades.orchestrator import Orchestrator

        found = self.of_type("orchestrator")
        if not found:
            msg = f"stack {self.name!r} has no orchestrator in this process"
            raise PluginError(msg)
        return Orchestrator(self.host, found[0])

    @functools.cached_property
    def container_registry(self) -> ContainerRegistry:
        """The container registry."""
        from plugbay.stack.facades.container_registry import ContainerRegistry

        return ContainerRegistry(self.host, self.only("container_registry"))

    @functools.cached_property
    def image_builder(self) -> ImageBuilder:
        """The image builder."""
        from plugbay.stack.facades.image_builder import ImageBuilder

        return ImageBuilder(self.host, self.only("image_builder"))

    @functools.cached_property
    def feature_store(self) -> FeatureStore:
        """The feature store."""
        from plugbay.stack.facades.feature_store import FeatureStore

        return FeatureStore(self.host, self.only("feature_store"))

    @functools.cached_property
    def model_registry(self) -> ModelRegistry:
        """The model registry."""
        from plugbay.stack.facades.model_registry import ModelRegistry

        return ModelRegistry(self.host, self.only("model_registry"), self.read_version)

    @functools.cached_property
    def secrets_manager(self) -> SecretsManager:
        """All secrets managers, asked in stack order."""
        from plugbay.stack.facades.secrets_manager import SecretsManager

        return SecretsManager(self.host, self.of_type("secrets_manager"))

    @functools.cached_property
    def secrets_managers(self) -> ByName[SecretsManager]:
        """The secrets managers by name."""
        from plugbay.stack.facades.secrets_manager import SecretsManager

        return self.by_name("secrets_manager", lambda host, component: SecretsManager(host, [component]))

    @functools.cached_property
    def experiment_tracker(self) -> ExperimentTracker:
        """All experiment trackers."""
        from plugbay.stack.facades.experiment_tracker import ExperimentTracker

        return ExperimentTracker(self.host, self.of_type("experiment_tracker"))

    @functools.cached_property
    def experiment_trackers(self) -> ByName[ExperimentTracker]:
        """The experiment trackers by name."""
        from plugbay.stack.facades.experiment_tracker import ExperimentTracker

        return self.by_name("experiment_tracker", lambda host, component: ExperimentTracker(host, [component]))

    @functools.cached_property
    def alerter(self) -> Alerter:
        """All alerters."""
        from plugbay.stack.facades.alerter import Alerter

        return Alerter(self.host, self.of_type("alerter"))

    @functools.cached_property
    def alerters(self) -> ByName[Alerter]:
        """The alerters by name."""
        from plugbay.stack.facades.alerter import Alerter

        return self.by_name("alerter", lambda host, component: Alerter(host, [component]))

    @property
    def step_operator(self) -> StepOperator:
        """The only step operator."""
        return self.step_operators.the_only_one()

    @functools.cached_property
    def step_operators(self) -> ByName[StepOperator]:
        """The step operators by name."""
        from plugbay.stack.facades.step_operator import StepOperator

        return self.by_name("step_operator", StepOperator)

    @property
    def model_deployer(self) -> ModelDeployer:
        """The only model deployer."""
        return self.model_deployers.the_only_one()

    @functools.cached_property
    def model_deployers(self) -> ByName[ModelDeployer]:
        """The model deployers by name."""
        from plugbay.stack.facades.model_deployer import ModelDeployer

        return self.by_name("model_deployer", ModelDeployer)

    @property
    def annotator(self) -> Annotator:
        """The only annotator."""
        return self.annotators.the_only_one()

    @functools.cached_property
    def annotators(self) -> ByName[Annotator]:
        """The annotators by name."""
        from plugbay.stack.facades.annotator import Annotator

        return self.by_name("annotator", Annotator)

    @property
    def data_validator(self) -> DataValidator:
        """The only data validator."""
        return self.data_validators.the_only_one()

    @functools.cached_property
    def data_validators(self) -> ByName[DataValidator]:
        """The data validators by name."""
        from plugbay.stack.facades.data_validator import DataValidator

        return self.by_name("data_validator", DataValidator)
