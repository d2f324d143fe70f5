"""Components of a stack that is built in code, of instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from plugbay.errors import ConfigError, PluginError, did_you_mean, listed
from plugbay.host.discovery import Provider, installed_plugins
from plugbay.host.host import Component
from plugbay.stack.selection import group_of
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, ComponentType, Multiplicity
from plugbay_hookspecs.types import ComponentInfo


def components_of(given: Mapping[str, Any], observers: Sequence[Any]) -> list[Component]:
    """Make the components of instances by component type, in stack order, and of observers.

    Raises :class:`ConfigError` with the problems of all of them.
    """
    problems = [
        f"there is no component type {kind!r}{did_you_mean(kind, COMPONENT_TYPES)} (there are: {listed(COMPONENT_TYPES)})"
        for kind in given
        if kind not in COMPONENT_TYPES
    ]
    named: list[tuple[str, str, Any]] = []
    for kind in COMPONENT_TYPES.values():
        try:
            named += [(kind.name, name, plugin) for name, plugin in _by_name(kind, given.get(kind.name)).items()]
        except PluginError as error:
            problems.append(str(error))
    if isinstance(observers, (list, tuple)):
        named += [("observer", name, plugin) for name, plugin in _numbered(observers).items()]
    else:
        problems.append(f"observers: a stack takes a list of them, not a {type(observers).__qualname__}")
    found = []
    for kind_name, name, plugin in named:
        try:
            found.append(component_of(plugin, kind_name, name))
        except PluginError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError(problems)
    return found


def component_of(plugin: Any, kind: str, name: str) -> Component:
    """Make a component of an instance. Raises :class:`PluginError` for one that is no flavor."""
    flavor = type(plugin)
    if isinstance(plugin, type):
        msg = f"{kind} {name!r}: {plugin.__qualname__} is a class; a stack takes an instance: {plugin.__qualname__}()"
        raise PluginError(msg)
    if not attrs.has(flavor):
        what = f"a {flavor.__qualname__} is no {kind.replace('_', ' ')}"
        msg = f"{kind} {name!r}: {what}: its class needs the decorator @component"
        raise PluginError(msg)
    provider = _provider_of(flavor, group_of(kind))
    info = ComponentInfo(
        type=kind,
        name=name,
        flavor=provider.name if provider else flavor.__name__,
        distribution=provider.distribution if provider else None,
        version=provider.version if provider else None,
    )
    return Component(info, plugin)


def _by_name(kind: ComponentType, value: Any) -> dict[str, Any]:
    if kind.multiplicity is Multiplicity.ANY_NUMBER:
        if isinstance(value, Mapping):
            return dict(value)
        several = value if isinstance(value, (list, tuple)) else [value]
        return {} if value is None else _numbered(several)
    if isinstance(value, (list, tuple, Mapping)):
        msg = f"a stack takes {kind.multiplicity.value} {kind.name}, not a {type(value).__name__} of {len(value)}"
        raise PluginError(msg)
    if value is None and kind.multiplicity is Multiplicity.EXACTLY_ONE:
        msg = f"a stack needs {kind.multiplicity.value} {kind.name}"
        raise PluginError(msg)
    return {} if value is None else {kind.name: value}


def _numbered(plugins: Sequence[Any]) -> dict[str, Any]:
    return {f"{type(plugin).__name__}_{index}": plugin for index, plugin in enumerate(plugins)}


def _provider_of(flavor: type, group: str) -> Provider | None:
    return next((p for p in installed_plugins().all() if p.group == group and p.offers(flavor)), None)
