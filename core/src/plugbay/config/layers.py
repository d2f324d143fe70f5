"""The layers of the configuration, from the built-in one to the environment, merged with a memory of where each key stood."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from plugbay.errors import ConfigError
from plugbay.home import user_config_file

Keys = tuple[str, ...]

BUILT_IN = """\
stack = "default"
observers = ["progress"]

[stacks.default]
orchestrator = "local"
artifact_store = "local"
"""

_NOT_SETTINGS = frozenset({"PLUGBAY_HOME", "PLUGBAY_TRACE"})
_WORKER_PREFIX = "PLUGBAY_WORKER_"


@frozen
class Layer:
    """One source of configuration."""

    source: str
    """For a person: a path, ``environment`` or ``built-in configuration``."""
    directory: Path | None
    """Relative file names in the layer start here."""
    table: Mapping[str, Any]


@define
class Merged:
    """The layers as one table."""

    table: dict[str, Any] = field(factory=dict)
    origins: dict[Keys, Layer] = field(factory=dict)
    """Which layer each key came from."""

    def origin(self, keys: Keys) -> Layer:
        """The layer that gave a key, or the nearest table above it."""
        while keys and keys not in self.origins:
            keys = keys[:-1]
        return self.origins[keys]


def read_layers(directory: Path | None = None) -> list[Layer]:
    """Read every layer that applies in ``directory`` (the current one), the strongest last.

    Raises :class:`ConfigError` naming the file and place for TOML that cannot be read.
    """
    layers = [Layer("built-in configuration", None, tomllib.loads(BUILT_IN))]
    user_file = user_config_file()
    if user_file.is_file():
        layers.append(Layer(str(user_file), user_file.parent, _read_toml(user_file)))
    project = _project_layer(directory or Path.cwd())
    if project is not None:
        layers.append(project)
    layers.append(Layer("environment", None, _from_environment(os.environ)))
    return layers


def merge(layers: list[Layer]) -> Merged:
    """Merge the layers key by key; a component whose flavor is named anew replaces what stood there."""
    merged = Merged()
    merged.origins[()] = layers[0]
    for layer in layers:
        _merge_table(merged, merged.table, layer.table, layer, ())
    return merged


def _merge_table(merged: Merged, into: dict[str, Any], table: Mapping[str, Any], layer: Layer, at: Keys) -> None:
    for key, value in table.items():
        here = (*at, key)
        old = into.get(key)
        if isinstance(value, dict) and isinstance(old, dict) and "flavor" not in value:
            _merge_table(merged, old, value, layer, here)
            continue
        if isinstance(value, dict) and isinstance(old, str) and "flavor" not in value and len(here) >= 3:
            value = {"flavor": old, **value}  # settings for a component that was named in the short form
        merged.origins = {keys: found for keys, found in merged.origins.items() if keys[: len(here)] != here}
        merged.origins[here] = layer
        into[key] = _copy(value)


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    return list(value) if isinstance(value, list) else value


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{path} is not valid TOML: {error}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path} is not valid TOML: it is not UTF-8 text ({error.reason} at byte {error.start})"]) from error
    except OSError as error:
        raise ConfigError([f"{path} cannot be read: {error.strerror}"]) from error


def _project_layer(start: Path) -> Layer | None:
    """``plugbay.toml`` or ``[tool.plugbay]`` of the nearest directory upwards that has one."""
    for directory in (start, *start.parents):
        own = directory / "plugbay.toml"
        if own.is_file():
            return Layer(str(own), directory, _read_toml(own))
        shared = directory / "pyproject.toml"
        if shared.is_file():
            table = _read_toml(shared).get("tool", {}).get("plugbay")
            if table is not None:
                return Layer(f"{shared} [tool.plugbay]", directory, table)
    return None


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """``PLUGBAY_STACKS__PROD__ORCHESTRATOR__ADDRESS=auto`` and the like; values are TOML, or else plain text."""
    table: dict[str, Any] = {}
    for name, text in sorted(environment.items()):
        if not name.startswith("PLUGBAY_") or name in _NOT_SETTINGS or name.startswith(_WORKER_PREFIX):
            continue
        *parents, key = name.removeprefix("PLUGBAY_").lower().split("__")
        place = table
        for parent in parents:
            below = place.setdefault(parent, {})
            if not isinstance(below, dict):
                raise ConfigError([f"environment: {name} gives a part of what another variable gives as a whole"])
            place = below
        place[key] = _value_of(key, text)
    return table


def _value_of(key: str, text: str) -> Any:
    if key == "observers" and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
