"""A stack as a description from which another process builds it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from plugbay.config.schema import ComponentConfig, StackConfig
from plugbay.errors import PluginError
from plugbay.host.host import Component, Host
from plugbay.stack.artifact_store import ArtifactStore
from plugbay.stack.selection import LateSecrets, select
from plugbay.stack.stack import Stack
from plugbay_hookspecs import Secret


@frozen(kw_only=True)
class ShippedStack:
    """Enough to build a stack in a process on this machine; it may be pickled but never stored."""

    config: StackConfig
    allow_pickle: bool
    built: Mapping[str, Any] | None = None
    """The instances of a stack that was built in code, by component id; ``None`` for a configured one."""

    def build(self) -> Stack:
        """Build the stack."""
        if self.built is None:
            return Stack.from_config(self.config, allow_pickle=self.allow_pickle)
        return Stack(name=self.config.name, allow_pickle=self.allow_pickle, **self.built)


def for_this_machine(stack: Stack) -> ShippedStack:
    """Describe a stack for a worker process beside this one."""
    built: dict[str, Any] | None = None
    if not stack.config.components:
        built = {"observers": [c.plugin for c in stack.of_type("observer")]}
        for component in stack.components:
            kind = component.info.type
            if kind == component.info.name:
                built[kind] = component.plugin
            elif kind != "observer":
                built.setdefault(kind, {})[component.info.name] = component.plugin
    return ShippedStack(config=stack.config, allow_pickle=stack.allow_pickle, built=built)


def for_any_machine(stack: Stack) -> dict[str, Any]:
    """Describe a stack as JSON that may be kept in the artifact store: no secret is in it.

    Raises :class:`PluginError` for a component whose settings hold a secret written out, or whose flavor belongs to no
    distribution.
    """
    configured = {(config.type, config.name): config for config in stack.config.components}
    components = []
    for component in stack.components:
        _refuse_written_out(component)
        config = configured.get((component.info.type, component.info.name))
        if component.info.distribution is None:
            if component.info.type in ("orchestrator", "observer"):
                continue  # they drive and watch the run from here
            msg = f"{component} belongs to no installed distribution, so a worker on another machine cannot load it"
            raise PluginError(msg)
        settings = dict(config.settings) if config else _settings(component.plugin)
        info = component.info
        flavor = info.flavor.rpartition(":")[2]
        components.append(
            {"type": info.type, "name": info.name, "flavor": f"{info.distribution}:{flavor}", "settings": settings}
        )
    return {"name": stack.name, "allow_pickle": stack.allow_pickle, "components": components}


def stack_from(tree: Mapping[str, Any]) -> Stack:
    """Build the stack that :func:`for_any_machine` described."""
    config = StackConfig(name=tree["name"], components=tuple(_config(part) for part in tree["components"]))
    return Stack.from_config(config, allow_pickle=tree["allow_pickle"])


def store_from(tree: Mapping[str, Any]) -> tuple[Host, ArtifactStore]:
    """Build just the artifact store of a stack, from its part of the description."""
    components = select((_config(tree),), LateSecrets())
    host = Host(components)
    return host, ArtifactStore(host, components[0])


def _config(tree: Mapping[str, Any]) -> ComponentConfig:
    return ComponentConfig(
        type=tree["type"],
        name=tree["name"],
        flavor=tree["flavor"],
        settings=tree["settings"],
        source="the run's task",
        keys=(tree["type"], tree["name"]),
    )


def _refuse_written_out(component: Component) -> None:
    for field in attrs.fields(type(component.plugin)):
        value = getattr(component.plugin, field.name)
        if isinstance(value, Secret) and value.reference is None:
            msg = (
                f"the setting {field.name!r} of {component} holds a secret that is written out; a worker on another machine "
                'needs a reference instead: { secret = "name" } or { env = "NAME" }'
            )
            raise PluginError(msg)


def _settings(plugin: Any) -> dict[str, Any]:
    """The settings of an instance as a table that its flavor can be built from again."""
    found = {}
    for field in attrs.fields(type(plugin)):
        value = getattr(plugin, field.name)
        if not field.init or value is None or value == field.default:
            continue
        if isinstance(value, Secret):
            kind, _, name = str(value.reference).partition(":")
            value = {kind: name}
        found[field.alias] = str(value) if isinstance(value, Path) else value
    return found
