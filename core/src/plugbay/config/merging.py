"""The layers as one table, with a memory of where each key came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field

from plugbay.config.layers import Layer, Origin
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity

Keys = tuple[str, ...]
NOT = "no:"
"""Before the name of an observer: it is not to be there."""


@define
class Merged:
    """The layers as one table."""

    table: dict[str, Any] = field(factory=dict)
    origins: dict[Keys, Origin] = field(factory=dict)
    """Which layer gave each value; of a table that several give, the first."""

    def origin(self, keys: Keys) -> Origin:
        """Return the origin of a key, or that of the nearest table above it."""
        while keys and keys not in self.origins:
            keys = keys[:-1]
        return self.origins[keys]

    def elsewhere(self, keys: Keys, origin: Origin) -> dict[Keys, Origin]:
        """Return what came from elsewhere than ``origin``, by its path below ``keys``."""
        below = {at[len(keys) :]: found for at, found in self.origins.items() if at[: len(keys)] == keys and at != keys}
        return {at: found for at, found in below.items() if found != origin}


def merge(layers: Iterable[Layer]) -> Merged:
    """Merge the layers key by key; later wins.

    A component whose flavor is named anew replaces what stood there, settings and all; a table without a flavor adds
    settings to it. A reference to a secret or a variable is one value, and replaced as one. A list of observers adds to those
    of the layers below; ``no:NAME`` takes one away, and an empty list all.
    """
    merged = Merged()
    for layer in layers:
        merged.origins.setdefault((), layer.origin)
        _merge_table(merged, merged.table, layer.table, layer.origin, ())
    return merged


def is_reference(value: object) -> bool:
    """Tell whether the value is ``{ secret = "name" }`` or ``{ env = "NAME" }``."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    return isinstance(value.get("secret", value.get("env")), str)


def _merge_table(merged: Merged, into: dict[str, Any], table: Mapping[str, Any], origin: Origin, at: Keys) -> None:
    for key, given in table.items():
        here = (*at, key)
        old = into.get(key)
        value = _by_name(given, old) if _holds_observers(here) else given
        component = _is_component(here, into)
        if component and isinstance(old, str) and isinstance(value, dict) and _holds_settings(here, value):
            old = into[key] = {"flavor": old}  # it was named in the short form
        if isinstance(old, dict) and isinstance(value, dict) and not _replaces(here, old, value, component=component):
            _merge_table(merged, old, value, origin, here)
            continue
        if key in into:
            merged.origins = {keys: found for keys, found in merged.origins.items() if keys[: len(here)] != here}
        merged.origins[here] = origin
        if isinstance(value, dict):
            into[key] = {}
            _merge_table(merged, into[key], value, origin, here)
        else:
            into[key] = value


def _holds_observers(keys: Keys) -> bool:
    match keys:
        case ("observers",) | ("stacks", _, "observers"):
            return True
        case _:
            return False


def _by_name(given: Any, old: Any) -> Any:
    """Turn a list of observers into a table, and take out of the old one what contradicts it."""
    if isinstance(given, list) and given and all(isinstance(name, str) for name in given):
        given = {name: {} for name in given}
    if isinstance(given, dict) and isinstance(old, dict):
        for name in [*old]:
            if f"{NOT}{name}" in given or name.removeprefix(NOT) in given.keys() - {name}:
                del old[name]
    return given


def _is_component(keys: Keys, parent: Mapping[str, Any]) -> bool:
    """Tell whether a component or an observer stands there, and not a setting of one."""
    match keys:
        case ("observers", _) | ("stacks", _, "observers", _):
            return True
        case ("stacks", _, kind):
            return kind in COMPONENT_TYPES
        case ("stacks", _, kind, _):
            several = kind in COMPONENT_TYPES and COMPONENT_TYPES[kind].multiplicity is Multiplicity.ANY_NUMBER
            return several and "flavor" not in parent
        case _:
            return False


def _replaces(keys: Keys, old: Mapping[str, Any], new: Mapping[str, Any], *, component: bool) -> bool:
    if component:
        return "flavor" in new or ("flavor" in old and not _holds_settings(keys, new))
    return is_reference(old) or is_reference(new)


def _holds_settings(keys: Keys, table: Mapping[str, Any]) -> bool:
    """Tell whether the table holds settings of a component, and neither its flavor nor several components by name."""
    several = len(keys) == 3 and any(isinstance(item, dict) and "flavor" in item for item in table.values())
    return "flavor" not in table and not several
