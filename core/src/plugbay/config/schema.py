"""The shape of the configuration: which keys there are, and every problem with them at once."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from plugbay.config.layers import BUILT_IN_SOURCE, Origin, read_layers
from plugbay.config.merging import NOT, Keys, Merged, merge
from plugbay.config.sourced import SourcedText
from plugbay.errors import ConfigError, did_you_mean, listed
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
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
    overrides: Mapping[Keys, Origin] = field(factory=dict, repr=False)
    """Settings, by their path below the component, that stand elsewhere than it does."""

    @property
    def place(self) -> str:
        """Where it stands, for error messages."""
        return self.place_of(())

    def place_of(self, setting: Keys) -> str:
        """Where a setting stands, for error messages."""
        return f"{self.origin_of(setting).source}: {table_path((*self.keys, *setting))}"

    def origin_of(self, setting: Keys) -> Origin:
        """Where a setting comes from: its own origin, or that of the nearest table above it."""
        for length in range(len(setting), 0, -1):
            if setting[:length] in self.overrides:
                return self.overrides[setting[:length]]
        return Origin(self.source, self.directory)


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
    stack_source: str = BUILT_IN_SOURCE
    """Where the active stack is chosen."""

    def stack_config(self, name: str | None = None) -> StackConfig:
        """Return the stack of that name, the active one by default.

        Raises :class:`ConfigError` when there is none.
        """
        wanted = name or self.stack
        found = self.stacks.get(wanted)
        if found is None:
            place = "" if name else f"{self.stack_source}: stack: "
            near = did_you_mean(wanted, self.stacks)
            raise ConfigError([f"{place}there is no stack {wanted!r}{near} (configured: {listed(self.stacks)})"])
        return found


@frozen(kw_only=True)
class ConfigReading:
    """A configuration as far as it can be read."""

    config: Config
    problems: tuple[str, ...]
    """What is wrong with it; parts that are wrong are left out."""
    whole: bool
    """Each of its files could be read."""


def load_config(directory: Path | None = None) -> Config:
    """Read the configuration that applies in ``directory`` (the current one).

    Raises :class:`ConfigError` with every problem that was found.
    """
    found = read_config(directory)
    if found.problems:
        raise ConfigError(found.problems)
    return found.config


def read_config(directory: Path | None = None) -> ConfigReading:
    """Like :func:`load_config`, for who looks for further problems before all are told together."""
    layers, unreadable = read_layers(directory)
    reader = _Reader(merge(layers))
    config = reader.config(tuple(layer.origin.source for layer in layers if layer.table))
    return ConfigReading(config=config, problems=(*unreadable, *reader.problems), whole=not unreadable)


def table_path(keys: Keys) -> str:
    """Write a path of keys as TOML does."""
    return ".".join(_written(key) for key in keys)


def _written(key: str) -> str:
    if _BARE_KEY.fullmatch(key):
        return key
    return json.dumps(key, ensure_ascii=not key.isprintable())


def shown(value: object) -> str:
    """Describe a value of the configuration in an error; tables and lists are not written out, secrets may be in them."""
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    return f"{value!r:.60}"


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
        stack = self._typed(("stack",), table["stack"], str, "the name of a stack")
        allow_pickle = self._typed(("allow_pickle",), table.get("allow_pickle", True), bool, "true or false")
        everywhere, _ = self._observers(("observers",), table.get("observers", []))
        stacks = {}
        tables = self._typed(("stacks",), table.get("stacks", {}), dict, "a table of stacks") or {}
        for name, stack_table in tables.items():
            keys = ("stacks", name)
            if self._typed(keys, stack_table, dict, "a table of components") is not None:
                stacks[name] = self._stack(name, keys, stack_table, everywhere)
        return Config(
            stack=stack,
            allow_pickle=allow_pickle,
            stacks=stacks,
            sources=sources,
            stack_source=self._merged.origin(("stack",)).source,
        )

    def _check_keys(self, keys: Keys, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self._problem((*keys, key), f"unknown key{did_you_mean(key, known)} (known: {listed(known)})")

    def _typed(self, keys: Keys, value: Any, kind: type, expected: str) -> Any:
        if isinstance(value, SourcedText):
            value = str(value) if kind is str else value.value
        if isinstance(value, kind):
            return value
        self._problem(keys, f"expected {expected}, got {shown(value)}")
        return None

    def _stack(self, name: str, keys: Keys, table: Mapping[str, Any], everywhere: list[ComponentConfig]) -> StackConfig:
        self._check_keys(keys, table, (*COMPONENT_TYPES, "observers"))
        components: list[ComponentConfig] = []
        for kind in COMPONENT_TYPES.values():
            here = (*keys, kind.name)
            if kind.name in table:
                components += self._components(kind.name, kind.multiplicity, here, table[kind.name])
            elif kind.multiplicity is Multiplicity.EXACTLY_ONE:
                self._problem(keys, f'a stack needs {_article(kind.name)}: {kind.name} = "local"')
        own, unwanted = self._observers((*keys, "observers"), table.get("observers", []))
        unwanted |= {observer.name for observer in own}
        components += [*(observer for observer in everywhere if observer.name not in unwanted), *own]
        return StackConfig(name=name, components=tuple(components))

    def _components(self, kind: str, multiplicity: Multiplicity, keys: Keys, value: Any) -> list[ComponentConfig]:
        several = multiplicity is Multiplicity.ANY_NUMBER
        if several and isinstance(value, dict) and "flavor" not in value and not did_you_mean("flavor", value):
            found = [self._component(kind, name, (*keys, name), table) for name, table in value.items()]
        else:
            flavor = value.get("flavor") if isinstance(value, dict) else value
            found = [self._component(kind, str(flavor) if several else kind, keys, value)]
        return [component for component in found if component is not None]

    def _component(self, kind: str, name: str, keys: Keys, value: Any) -> ComponentConfig | None:
        table = {"flavor": value} if isinstance(value, str) else value
        if not isinstance(table, dict):
            self._problem(keys, f"expected a flavor or a table with a flavor, got {shown(value)}")
            return None
        if not isinstance(table.get("flavor"), str):
            self._flavorless(keys, table)
            return None
        origin = self._merged.origin((*keys, "flavor"))
        return ComponentConfig(
            type=kind,
            name=name,
            flavor=str(table["flavor"]),
            settings={key: item for key, item in table.items() if key != "flavor"},
            source=origin.source,
            keys=keys,
            directory=origin.directory,
            overrides=self._merged.elsewhere(keys, origin),
        )

    def _flavorless(self, keys: Keys, table: Mapping[str, Any]) -> None:
        if "flavor" in table:
            self._problem((*keys, "flavor"), f"expected the name of a flavor, got {shown(table['flavor'])}")
        else:
            near = next((key for key in table if did_you_mean(key, ("flavor",))), None)
            hint = f"; {near!r} may be a misspelling of it" if near else ': flavor = "..."'
            self._problem(keys, f"a component needs a flavor{hint}")

    def _observers(self, keys: Keys, value: Any) -> tuple[list[ComponentConfig], set[str]]:
        """Read a list of flavors, or a table of settings by flavor; and the names of those that are not to be there."""
        if isinstance(value, list):
            for item in value:
                if not isinstance(item, str):
                    self._problem(keys, f"expected the name of an observer, got {shown(item)}")
            value = {name: {} for name in value if isinstance(name, str)}
        if self._typed(keys, value, dict, "a list of observers, or a table of their settings by name") is None:
            return [], set()
        unwanted = {name.removeprefix(NOT) for name in value if name.startswith(NOT)}
        tables = {
            name: {"flavor": name, **settings} if isinstance(settings, dict) else settings
            for name, settings in value.items()
            if not name.startswith(NOT)
        }
        found = [self._component("observer", name, (*keys, name), table) for name, table in tables.items()]
        return [component for component in found if component is not None], unwanted


def _article(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind.replace('_', ' ')}"
