"""Throw-away stacks: of instances, or of flavors by their names with settings; what is not given is a fake."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugbay.config.schema import ComponentConfig
from plugbay.stack import Stack
from plugbay.stack.selection import LateSecrets, select
from plugbay.testing.fakes.artifact_store import FakeArtifactStore
from plugbay.testing.fakes.orchestrator import FakeOrchestrator
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity


def build_stack(*, name: str = "test", allow_pickle: bool = True, **components: Any) -> Stack:
    """Build a stack that nobody has configured.

    A component is an instance, the name of a flavor (``"local"``), or a table as a config file has it (``{"flavor":
    "local", "path": "store"}``). A type that may occur more than once takes one, a list, or a mapping by name. The
    orchestrator and the artifact store are fakes unless they are given; ``observers`` is a list.

    :raises ConfigError: for settings that are wrong, and what else :class:`plugbay.stack.Stack` refuses.
    """
    secrets = LateSecrets()
    given = {"orchestrator": FakeOrchestrator(), "artifact_store": FakeArtifactStore(), **components}
    observers = [
        _plugin("observer", f"observer_{n}", each, secrets) for n, each in enumerate(given.pop("observers", ()))
    ]
    built = {kind: _plugins(kind, value, secrets) for kind, value in given.items()}
    stack = Stack(name=name, allow_pickle=allow_pickle, observers=observers, **built)
    secrets.ask = stack.secret
    return stack


def _plugins(kind: str, value: Any, secrets: LateSecrets) -> Any:
    """The instances of a type, in the form in which they were given."""
    if kind not in COMPONENT_TYPES or COMPONENT_TYPES[kind].multiplicity is not Multiplicity.ANY_NUMBER:
        return _plugin(kind, kind, value, secrets)
    if isinstance(value, Mapping) and "flavor" not in value:
        return {name: _plugin(kind, name, each, secrets) for name, each in value.items()}
    several = value if isinstance(value, (list, tuple)) else [value]
    return [_plugin(kind, f"{kind}_{number}", each, secrets) for number, each in enumerate(several)]


def _plugin(kind: str, name: str, value: Any, secrets: LateSecrets) -> Any:
    table = {"flavor": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        return value
    settings = {key: setting for key, setting in table.items() if key != "flavor"}
    config = ComponentConfig(
        type=kind, name=name, flavor=table["flavor"], settings=settings, source="the test", keys=(kind, name)
    )
    (component,) = select((config,), secrets)
    return component.plugin
