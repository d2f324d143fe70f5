"""A stack as a description from which another process builds it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import attrs
from attrs import frozen

from plugbay.config.schema import ComponentConfig, StackConfig
from plugbay.errors import PluginError
from plugbay.host.host import Component
from plugbay.stack.stack import Stack
from plugbay_hookspecs import Secret
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity

_STAY = ("orchestrator", "step_operator", "image_builder", "container_registry", "observer")
"""What drives and watches a run from where it was started; a worker may do without."""


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
        built = {"observers": [component.plugin for component in stack.of_type("observer")]}
        for kind in COMPONENT_TYPES.values():
            found = {component.info.name: component.plugin for component in stack.of_type(kind.name)}
            if found:
                built[kind.name] = found if kind.multiplicity is Multiplicity.ANY_NUMBER else found[kind.name]
    return ShippedStack(config=stack.config, allow_pickle=stack.allow_pickle, built=built)


def for_any_machine(stack: Stack) -> dict[str, Any]:
    """Describe a stack as JSON that may be kept in the artifact store: no secret is in it.

    Raises :class:`PluginError` for a component whose settings hold a secret written out, or a value that JSON has no
    form for, or whose flavor belongs to no distribution.
    """
    configured = {(config.type, config.name): config for config in stack.config.components}
    components = []
    for component in stack.components:
        info = component.info
        if info.distribution is None:
            if info.type in _STAY:
                continue
            msg = f"{component} belongs to no installed distribution, so a worker on another machine cannot load it"
            raise PluginError(msg)
        flavor = f"{info.distribution}:{info.flavor.rpartition(':')[2]}"
        settings = settings_table(component, configured.get((info.type, info.name)))
        components.append({"type": info.type, "name": info.name, "flavor": flavor, "settings": settings})
    return {"name": stack.name, "allow_pickle": stack.allow_pickle, "components": components}


def stack_from(tree: Mapping[str, Any]) -> Stack:
    """Build the stack that :func:`for_any_machine` described."""
    config = StackConfig(name=tree["name"], components=tuple(_config(part) for part in tree["components"]))
    return Stack.from_config(config, allow_pickle=tree["allow_pickle"])


def store_part(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Take from :func:`for_any_machine` what is needed to read the rest: the store, and what knows the secrets it needs."""
    needed = ("artifact_store", "secrets_manager")
    return {"components": [part for part in tree["components"] if part["type"] in needed]}


def store_from(tree: Mapping[str, Any]) -> Stack:
    """Build the stack that :func:`store_part` described: it has an artifact store and secrets managers."""
    config = StackConfig(name="worker", components=tuple(_config(part) for part in tree["components"]))
    return Stack.from_config(config, allow_pickle=False)


def _config(tree: Mapping[str, Any]) -> ComponentConfig:
    return ComponentConfig(
        type=tree["type"],
        name=tree["name"],
        flavor=tree["flavor"],
        settings=tree["settings"],
        source="the run's task",
        keys=(tree["type"], tree["name"]),
    )


def settings_table(component: Component, config: ComponentConfig | None) -> dict[str, Any]:
    """Give the settings of a component as JSON that its flavor can be built from again: the configured, or all.

    They are taken from the instance, in which variables have been looked up and paths are absolute.
    """
    table = {}
    for field in attrs.fields(type(component.plugin)):
        if not field.init:
            continue
        value = getattr(component.plugin, field.name)
        is_default = value == field.default and repr(value) == repr(field.default)  # -0.0 equals 0.0, and 1 equals True
        given = field.alias in config.settings if config else not is_default
        if value is None or not given:
            continue
        try:
            table[field.alias] = _as_json(value)
        except TypeError as error:
            msg = f"the setting {field.alias!r} of {component} {error}"
            raise PluginError(msg) from None
    return table


def _as_json(value: Any) -> Any:
    if isinstance(value, Secret):
        if value.reference is None:
            msg = (
                "holds a secret that is written out; a worker on another machine needs a reference instead: "
                '{ secret = "name" } or { env = "NAME" }'
            )
            raise TypeError(msg)
        kind, _, name = value.reference.partition(":")
        return {kind: name}
    if isinstance(value, PurePath):
        return str(value)
    if attrs.has(type(value)):
        fields = [field for field in attrs.fields(type(value)) if field.init]
        return {f.alias: _as_json(item) for f in fields if (item := getattr(value, f.name)) is not None}
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_as_json(item) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    msg = f"holds a {type(value).__qualname__}, which has no form that a worker on another machine could read"
    raise TypeError(msg)
