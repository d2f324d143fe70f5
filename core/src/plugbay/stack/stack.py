"""A stack: what a run needs to know of the tools it runs on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from plugbay.config.schema import Config, ConfigReading, StackConfig, read_config
from plugbay.errors import ConfigError, NotFoundError
from plugbay.host.host import Component, Host, raise_together
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.stack.facades.chosen import Facades
from plugbay.stack.given import components_of
from plugbay.stack.selection import LateSecrets, select
from plugbay_hookspecs.types import Health, Problem, StackInfo

if TYPE_CHECKING:
    from plugbay.stack.facades.model_registry import ModelRegistry
    from plugbay_hookspecs.types import Artifact, ModelVersion


class Stack(Facades):
    """A named set of components and observers, registered with one plugin manager.

    ``Stack.load("prod")`` builds a configured one. ``Stack(orchestrator=..., artifact_store=..., observers=[...])``
    takes instances; a type that may occur more than once takes a list, or a mapping by name. ``with stack:`` starts the
    components and stops them again.
    """

    def __init__(
        self, *, name: str = "custom", allow_pickle: bool = True, observers: Sequence[Any] = (), **components: Any
    ) -> None:
        """Build a stack of instances.

        Raises :class:`ConfigError` for a wrong number of components of a type and for what is no component, and
        :class:`PluginError` for hooks that do not agree with their specifications.
        """
        config = StackConfig(name=name, components=())
        self._assemble(config, components_of(components, observers), allow_pickle=allow_pickle)

    @classmethod
    def load(cls, name: str | None = None, *, directory: Path | None = None) -> Self:
        """Build the configured stack ``name``, the active one by default.

        :param directory: where the search for the project's configuration begins; the current one by default.
        :raises ConfigError: with every problem of the configuration and its components.
        """
        found = read_config(directory)
        if found.problems:
            raise ConfigError([*found.problems, *_problems_of_components(found, name)])
        return cls.of(found.config, found.config.stack_config(name))

    @classmethod
    def of(cls, config: Config, stack: StackConfig) -> Self:
        """Build a stack from its configuration."""
        return cls.from_config(stack, allow_pickle=config.allow_pickle)

    @classmethod
    def from_config(cls, stack: StackConfig, *, allow_pickle: bool) -> Self:
        """Build a stack from its own part of a configuration."""
        secrets = LateSecrets()
        components = select(stack.components, secrets)
        built = cls.__new__(cls)
        built._assemble(stack, components, allow_pickle=allow_pickle)
        secrets.ask = built.secret
        return built

    def _assemble(self, config: StackConfig, components: Sequence[Component], *, allow_pickle: bool) -> None:
        self.config = config
        self.allow_pickle = allow_pickle
        self.host = Host(components)
        self.info = StackInfo(name=config.name, components=tuple(c.info for c in components))
        self.artifact_store = ArtifactStore(self.host, self.of_type("artifact_store")[0])
        self._users = 0
        self._lock = threading.Lock()
        self._started: list[Component] = []

    @property
    def name(self) -> str:
        """The stack's name in the configuration; ``custom`` for one built of instances."""
        return self.info.name

    @property
    def components(self) -> tuple[Component, ...]:
        """In stack order."""
        return self.host.components

    def of_type(self, kind: str) -> list[Component]:
        """The components of a type, in stack order."""
        return [component for component in self.components if component.info.type == kind]

    def secret(self, name: str) -> str:
        """Ask the secrets managers in stack order. Raises :class:`NotFoundError` when none knows the secret."""
        value = self.secrets_manager.get(name)
        if value is not None:
            return value
        asked = ", ".join(manager.id for manager in self.of_type("secrets_manager")) or "none, the stack has none"
        msg = f"no secrets manager of stack {self.name!r} knows the secret {name!r} (asked: {asked})"
        raise NotFoundError(msg)

    def read_version(self, registry: ModelRegistry, version: ModelVersion, *, inputs: Sequence[Artifact] = ()) -> Any:
        """Read a version of a model that its registry cannot load, as the artifact it comes from or as files.

        :param inputs: artifacts that may be the one, beside those of the run that the version comes from.
        """
        from plugbay.history.models import read_version  # what few runs need, and comes after the stack

        return read_version(self, registry, version, inputs)

    def problems(self) -> list[tuple[Component, Problem]]:
        """Everything the components find wrong with their settings, without any I/O."""
        return [(component, problem) for component in self.components for problem in self._problems_of(component)]

    def _problems_of(self, component: Component) -> list[Problem]:
        found: list[Problem] = []
        try:
            reported = self.host.one(component, "component_validate", stack=self.info) or ()
            for problem in (reported,) if isinstance(reported, Problem) else reported:
                wrong = Problem(message=f"component_validate gave a {type(problem).__qualname__}, which is no Problem")
                found.append(problem if isinstance(problem, Problem) else wrong)
        except Exception as error:  # noqa: BLE001  whatever a validation raises is a problem like any other
            found.append(Problem(message=f"component_validate raised {type(error).__name__}: {error}"))
        return found

    def check(self) -> None:
        """Raise :class:`ConfigError` with the problems of every component, if there are any."""
        problems = [
            f"{component}: {problem.message}" + (f" ({problem.remedy})" if problem.remedy else "")
            for component, problem in self.problems()
        ]
        if problems:
            raise ConfigError(problems)

    def health(self, component: Component) -> Health | None:
        """Ask the tool behind a component whether it answers; ``None`` when there is nothing to ask."""
        try:
            found: Health | None = self.host.one(component, "component_health")
        except Exception as error:  # noqa: BLE001  whatever a validation raises is a problem like any other
            return Health(ok=False, detail=f"{type(error).__name__}: {error}")
        return found

    def secret_problems(self, component: Component) -> list[str]:
        """What is wrong with each secret among a component's settings that cannot be had; the stack has been started."""
        from plugbay.config.settings import secrets_in

        problems = []
        for place, secret in secrets_in(component.plugin):
            try:
                secret.reveal()
            except Exception as error:  # noqa: BLE001  whatever a secrets manager raises
                problems.append(f"{place}: {error}")
        return problems

    def start(self) -> None:
        """Start the components in stack order; every start needs a stop, and only the first does anything.

        If one fails, those that were started are stopped in reverse order and its error is raised.
        """
        with self._lock:
            if self._users == 0:
                self._start_all()
            self._users += 1

    def stop(self) -> None:
        """Stop the components in reverse order once every start has its stop; their errors are raised together."""
        with self._lock:
            if self._users == 0:
                return
            self._users -= 1
            if self._users == 0:
                raise_together(self._stop_all())

    def _start_all(self) -> None:
        try:
            starting = {component for component, _ in self.host.implementing("component_start")}
            for component in self.components:
                if component in starting:
                    from plugbay.stack.own_store import OwnStore, own_prefix  # most components need no start

                    own = OwnStore(self.artifact_store, own_prefix(component.info))
                    self.host.one(component, "component_start", store=own)
                self._started.append(component)
        except BaseException as error:
            errors = self._stop_all()
            if not errors:
                raise
            msg = f"{error}; and stopping what was started failed too"
            raise BaseExceptionGroup(msg, [error, *errors]) from None

    def _stop_all(self) -> list[BaseException]:
        errors: list[BaseException] = []
        while self._started:
            try:
                self.host.one(self._started.pop(), "component_stop")
            except BaseException as error:  # noqa: BLE001  every component is stopped, then all errors are raised
                errors.append(error)
        return errors

    def __enter__(self) -> Self:
        """Start the components."""
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Stop the components."""
        self.stop()

    def __repr__(self) -> str:
        parts = ", ".join(f"{component.id}={component.info.flavor}" for component in self.components)
        return f"<stack {self.name!r}: {parts}>"


def _problems_of_components(found: ConfigReading, name: str | None) -> Sequence[str]:
    """What is wrong with the components of a stack beyond the shape of the configuration."""
    try:
        stack = found.config.stack_config(name)
    except ConfigError as error:
        return error.problems if found.whole else ()  # else it may stand in a file that cannot be read
    try:
        select(stack.components, LateSecrets())
    except ConfigError as error:
        return error.problems
    return ()
