"""A stack: what a run needs to know of the tools it runs on."""

from __future__ import annotations

import functools
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from plugbay.config.schema import Config, StackConfig, load_config
from plugbay.errors import ConfigError, NotFoundError, PlugbayError, did_you_mean, listed
from plugbay.host.host import Component, Host
from plugbay.stack.artifact_store import ArtifactStore
from plugbay.stack.orchestrator import Orchestrator
from plugbay.stack.selection import LateSecrets, component_of, select
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity
from plugbay_hookspecs.types import Health, Problem, StackInfo


class Stack:
    """A named set of components and observers, registered with one plugin manager.

    ``Stack.load("prod")`` builds a configured one. ``Stack(orchestrator=..., artifact_store=..., observers=[...])`` takes
    instances; a type that may occur more than once takes a list, or a mapping by name. ``with stack:`` starts the
    components and stops them again.
    """

    def __init__(
        self, *, name: str = "custom", allow_pickle: bool = True, observers: Sequence[Any] = (), **components: Any
    ) -> None:
        """Build a stack of instances. Raises :class:`ConfigError` for a wrong number of components of a type."""
        config = StackConfig(name=name, components=())
        self._assemble(config, _components(components, observers), allow_pickle=allow_pickle)

    @classmethod
    def load(cls, name: str | None = None, *, directory: Path | None = None) -> Self:
        """Build the configured stack ``name``, the active one by default.

        :param directory: where the search for the project's configuration begins; the current one by default.
        :raises ConfigError: with every problem of the configuration and its components.
        """
        config = load_config(directory)
        return cls.of(config, config.stack_config(name))

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

    @functools.cached_property
    def orchestrator(self) -> Orchestrator:
        """The orchestrator; a worker's stack may be without."""
        return Orchestrator(self.host, self.of_type("orchestrator")[0])

    def secret(self, name: str) -> str:
        """Ask the secrets managers in stack order. Raises :class:`NotFoundError` when none knows the secret."""
        managers = self.of_type("secrets_manager")
        for manager in managers:
            value: str | None = self.host.one(manager, "secrets_manager_get", name=name)
            if value is not None:
                return value
        asked = ", ".join(manager.id for manager in managers)
        msg = f"no secrets manager of stack {self.name!r} knows the secret {name!r} (asked: {asked or 'none, the stack has none'})"
        raise NotFoundError(msg)

    def problems(self) -> list[tuple[Component, Problem]]:
        """Everything the components find wrong with their settings, without any I/O."""
        found: list[tuple[Component, Problem]] = []
        for component in self.components:
            try:
                reported = self.host.one(component, "component_validate", stack=self.info) or ()
                for problem in [p for part in reported for p in (part if isinstance(part, (list, tuple)) else [part])]:
                    found.append((component, problem))
            except Exception as error:  # noqa: BLE001  whatever a validation raises is a problem like any other
                found.append((component, Problem(message=f"component_validate raised {type(error).__name__}: {error}")))
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
        except Exception as error:  # noqa: BLE001  an exception counts as an unhealthy answer
            return Health(ok=False, detail=f"{type(error).__name__}: {error}")
        return found

    def start(self) -> None:
        """Start the components in stack order; every start needs a stop, and only the first does anything.

        If one fails, those that were started are stopped in reverse order and its error is raised.
        """
        with self._lock:
            self._users += 1
            if self._users > 1:
                return
            try:
                for component in self.components:
                    self.host.one(component, "component_start")
                    self._started.append(component)
            except BaseException as error:
                self._users -= 1
                raise _with(error, self._stop_all()) from error.__cause__

    def stop(self) -> None:
        """Stop the components in reverse order once every start has its stop; their errors are raised together."""
        with self._lock:
            self._users -= 1
            errors = self._stop_all() if self._users == 0 else []
        if errors:
            msg = f"{len(errors)} components could not be stopped, the first: {errors[0]}"
            raise ExceptionGroup(msg, errors)

    def _stop_all(self) -> list[Exception]:
        errors = []
        while self._started:
            try:
                self.host.one(self._started.pop(), "component_stop")
            except Exception as error:  # noqa: BLE001  every component is stopped, then all errors are raised
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


def _with(error: BaseException, others: list[Exception]) -> BaseException:
    return BaseExceptionGroup(f"{error}; and stopping what was started failed too", [error, *others]) if others else error


def _components(given: Mapping[str, Any], observers: Sequence[Any]) -> list[Component]:
    problems = [
        f"there is no component type {kind!r}{did_you_mean(kind, COMPONENT_TYPES)} (there are: {listed(COMPONENT_TYPES)})"
        for kind in given
        if kind not in COMPONENT_TYPES
    ]
    found: list[Component] = []
    for kind in COMPONENT_TYPES.values():
        value = given.get(kind.name)
        if value is None:
            if kind.multiplicity is Multiplicity.EXACTLY_ONE:
                problems.append(f"a stack needs {kind.multiplicity.value} {kind.name}")
            continue
        if kind.multiplicity is not Multiplicity.ANY_NUMBER:
            named = {kind.name: value}
        elif isinstance(value, Mapping):
            named = dict(value)
        else:
            several = value if isinstance(value, (list, tuple)) else [value]
            named = {f"{type(plugin).__name__}_{index}": plugin for index, plugin in enumerate(several)}
        for name, plugin in named.items():
            try:
                found.append(component_of(plugin, kind.name, name))
            except PlugbayError as error:
                problems.append(str(error))
    if problems:
        raise ConfigError(problems)
    return found + [component_of(observer, "observer", f"{type(observer).__name__}_{i}") for i, observer in enumerate(observers)]
