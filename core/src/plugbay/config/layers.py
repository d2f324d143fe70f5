"""The layers of the configuration, from the built-in one to the environment, and where they are read from."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from plugbay.config.environment import tables_of
from plugbay.errors import ConfigError
from plugbay.home import user_config_file

BUILT_IN = """\
stack = "default"
observers = ["progress"]

[stacks.default]
orchestrator = "local"
artifact_store = "local"
"""

_DEEPEST = 64


@frozen
class Origin:
    """Where something in the configuration stands."""

    source: str
    """For a person: a path, ``environment variable NAME`` or ``built-in configuration``."""
    directory: Path | None
    """Relative file names start here; ``None`` for the current directory."""


@frozen
class Layer:
    """One source of configuration."""

    origin: Origin
    table: Mapping[str, Any]


def read_layers(directory: Path | None = None) -> list[Layer]:
    """Read every layer that applies in ``directory`` (the current one), the strongest last.

    Raises :class:`ConfigError` naming the file and place for TOML that cannot be read.
    """
    layers = [Layer(Origin("built-in configuration", None), tomllib.loads(BUILT_IN))]
    user_file = user_config_file()
    table = _read_toml(user_file)
    if table is not None:
        layers.append(Layer(Origin(str(user_file), user_file.parent), table))
    project = _project_layer((directory or Path.cwd()).absolute())
    if project is not None:
        layers.append(project)
    for variable, table in tables_of(os.environ):
        layers.append(_checked(Layer(Origin(f"environment variable {variable}", None), table)))
    return layers


def _project_layer(start: Path) -> Layer | None:
    """Find ``plugbay.toml`` or ``[tool.plugbay]`` in the nearest directory upwards that has one."""
    for directory in (start, *start.parents):
        own = directory / "plugbay.toml"
        table = _read_toml(own) if _is_there(own) else None
        if table is not None:
            return Layer(Origin(str(own), directory), table)
        shared = directory / "pyproject.toml"
        tools = _read_toml(shared) if _is_there(shared) else None
        tool = (tools or {}).get("tool")
        if isinstance(tool, dict) and "plugbay" in tool:
            table = tool["plugbay"]
            if not isinstance(table, dict):
                raise ConfigError([f"{shared}: tool.plugbay: expected a table, got {table!r:.60}"])
            return Layer(Origin(f"{shared} [tool.plugbay]", directory), table)
    return None


def _is_there(path: Path) -> bool:
    """Tell whether there is anything of that name; what lies in a directory that may not be searched does not count."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _read_toml(path: Path) -> dict[str, Any] | None:
    """Read a file; ``None`` when there is none."""
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError([f"{path} cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        problem = f"it is not UTF-8 text ({error.reason} at byte {error.start})"
        raise ConfigError([f"{path} is not valid TOML: {problem}"]) from error
    except ValueError as error:  # TOMLDecodeError is one, and so is what an integer of too many digits raises
        raise ConfigError([f"{path} is not valid TOML: {error}"]) from error
    except RecursionError as error:
        raise ConfigError([f"{path} is nested more than {_DEEPEST} levels deep"]) from error
    _checked(Layer(Origin(str(path), path.parent), table))
    return table


def _checked(layer: Layer) -> Layer:
    """Refuse a layer that is too deep for everything that walks it."""
    level: list[Any] = [layer.table]
    for _ in range(_DEEPEST):
        level = [item for part in level for item in (part.values() if isinstance(part, dict) else part)]
        level = [item for item in level if isinstance(item, (dict, list))]
        if not level:
            return layer
    raise ConfigError([f"{layer.origin.source} is nested more than {_DEEPEST} levels deep"])
