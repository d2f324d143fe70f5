"""The shape of the configuration: which keys there are, and every problem with them at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from plugbay.config.layers import Keys, Layer, Merged, merge, read_layers
from plugbay.errors import ConfigError, did_you_mean, listed
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity

_TOP_LEVEL = ("stack", "observers", "allow_pickle", "stacks")


@frozen(kw_only=True)
class ComponentConfig:
    """A component as the configuration describes it: nothing of its flavor has been looked at."""

    type: str
    """A component type, or ``observer``."""
    name: str
    flavor: str
    settings: Mapping[str, Any] = field(factory=dict, repr=False)  # a secret may be written out in it
    source: str
    """Which file it stands in."""
    keys: Keys
    """The table path."""
    directory: Path | None = None
    """Relative file names start here."""

    @property
    def place(self) -> str:
        """Where it stands, for error messages."""
        return f"{self.source}: {table_path(self.keys)}"


@frozen(kw_only=True)
class StackConfig:
    """A stack as the configuration describes it."""

    name: str
    components: tuple[ComponentConfig, ...]


@frozen(kw_only=True)
class Config:
    """The whole configuration, checked as far as it can be without the plugins."""

    stack: str
    """The name of the active stack."""
    allow_pickle: bool
    stacks: Mapping[str, StackConfig]
    sources: tuple[str, ...]
    """The layers it was read from, the strongest last."""

    def stack_config(self, name: str | None = None) -> StackConfig:
        """The stack of that name, the active one by default. Raises :class:`ConfigError` when there is none."""
        wanted = name or self.stack
        found = self.stacks.get(wanted)
        if found is None:
            names = listed(self.stacks)
            raise ConfigError([f"there is no stack {wanted!r}{did_you_mean(wanted, self.stacks)} (configured: {names})"])
        return found


def load_config(directory: Path | None = None) -> Config:
    """Read the configuration that applies in ``directory`` (the current one).

    Raises :class:`ConfigError` with every problem that was found.
    """
    layers = read_layers(directory)
    reader = _Reader(merge(layers))
    config = reader.config(tuple(layer.source for layer in layers if layer.table))
    if reader.problems:
        raise ConfigError(reader.problems)
    return config


def table_path(keys: Keys) -> str:
    """A path of keys as TOML writes it."""
    return ".".join(key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else f'"{key}"' for key in keys)


class _Reader:
    """Reads a merged table and collects problems instead of stopping at the first."""

    def __init__(self, merged: Merged) -> None:
        self._merged = merged
        self.problems: list[str] = []

    def _problem(self, keys: Keys, message: str) -> None:
        self.problems.append(f"{self._merged.origin(keys).source}: {table_path(keys)}: {message}")

    def config(self, sources: tuple[str, ...]) -> Config:
        table = self._merged.table
        self._check_keys((), table, _TOP_LEVEL)
        stack = self._typed(("stack",), table.get("stack"), str, "the name of a stack") or "default"
        allow_pickle = self._typed(("allow_pickle",), table.get("allow_pickle", True), bool, "true or false")
        everywhere = self._observers(("observers",), table.get("observers", []))
        stacks = {}
        tables = self._typed(("stacks",), table.get("stacks", {}), dict, "a table of stacks") or {}
        for name, stack_table in tables.items():
            keys = ("stacks", name)
            if self._typed(keys, stack_table, dict, "a table of components") is not None:
                stacks[name] = self._stack(name, keys, stack_table, everywhere)
        return Config(stack=stack, allow_pickle=allow_pickle is not False, stacks=stacks, sources=sources)

    def _check_keys(self, keys: Keys, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self._problem((*keys, key), f"unknown key{did_you_mean(key, known)} (known: {listed(known)})")

    def _typed(self, keys: Keys, value: Any, kind: type, expected: str) -> Any:
        if isinstance(value, kind) and not (kind is not bool and isinstance(value, bool)):
            return value
        self._problem(keys, f"expected {expected}, got {value!r:.60}")
        return None

    def _stack(
        self, name: str, keys: Keys, table: Mapping[str, Any], everywhere: tuple[ComponentConfig, ...]
    ) -> StackConfig:
        self._check_keys(keys, table, (*COMPONENT_TYPES, "observers"))
        components: list[ComponentConfig] = []
        for kind in COMPONENT_TYPES.values():
            here = (*keys, kind.name)
            if kind.name in table:
                components += self._components(kind.name, kind.multiplicity, here, table[kind.name])
            elif kind.multiplicity is Multiplicity.EXACTLY_ONE:
                self._problem(keys, f"a stack needs {_article(kind.name)}: {kind.name} = \"local\"")
        own = self._observers((*keys, "observers"), table.get("observers", []))
        named = {observer.name for observer in own}
        components += [*(o for o in everywhere if o.name not in named), *own]
        return StackConfig(name=name, components=tuple(components))

    def _components(self, kind: str, multiplicity: Multiplicity, keys: Keys, value: Any) -> list[ComponentConfig]:
        if isinstance(value, dict) and "flavor" not in value:
            if multiplicity is not Multiplicity.ANY_NUMBER:
                expected = f"a flavor or a table with a flavor (a stack takes {multiplicity.value} {kind})"
                self._problem(keys, f"expected {expected}")
                return []
            found = [self._component(kind, name, (*keys, name), table) for name, table in value.items()]
            return [component for component in found if component is not None]
        several = multiplicity is Multiplicity.ANY_NUMBER
        flavor = value.get("flavor") if isinstance(value, dict) else value
        component = self._component(kind, str(flavor) if several else kind, keys, value)
        return [] if component is None else [component]

    def _component(self, kind: str, name: str, keys: Keys, value: Any) -> ComponentConfig | None:
        table = {"flavor": value} if isinstance(value, str) else value
        if not isinstance(table, dict) or not isinstance(table.get("flavor"), str):
            self._problem(keys, f"expected a flavor or a table with a flavor, got {value!r:.60}")
            return None
        origin: Layer = self._merged.origin(keys)
        settings = {key: item for key, item in table.items() if key != "flavor"}
        return ComponentConfig(
            type=kind,
            name=name,
            flavor=table["flavor"],
            settings=settings,
            source=origin.source,
            keys=keys,
            directory=origin.directory,
        )

    def _observers(self, keys: Keys, value: Any) -> tuple[ComponentConfig, ...]:
        """A list of flavors, or a table of settings by flavor."""
        if isinstance(value, list):
            value = {str(flavor) if isinstance(flavor, str) else repr(flavor): {} for flavor in value}
        if self._typed(keys, value, dict, "a list of observers, or a table of their settings by name") is None:
            return ()
        tables = {
            name: {"flavor": name, **settings} if isinstance(settings, dict) else settings
            for name, settings in value.items()
        }
        found = [self._component("observer", name, (*keys, name), table) for name, table in tables.items()]
        return tuple(component for component in found if component is not None)


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind.replace('_', ' ')}"
