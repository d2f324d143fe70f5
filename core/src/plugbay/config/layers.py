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

CHOSEN = "PLUGBAY_CONFIG"
"""The environment variable that names a file to read in the place of the project's; ``--config`` sets it."""
_SHARED = "pyproject.toml"
BUILT_IN_SOURCE = "built-in configuration"
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


def read_layers(directory: Path | None = None) -> tuple[list[Layer], list[str]]:
    """Read every layer that applies in ``directory`` (the current one), the strongest last.

    :returns: the layers, and what is wrong with those that cannot be read and are not among them.
    """
    layers = [Layer(Origin(BUILT_IN_SOURCE, None), tomllib.loads(BUILT_IN))]
    problems: list[str] = []
    for read in (_user_layer, lambda: _project_layer((directory or Path.cwd()).absolute())):
        try:
            layer = read()
        except ConfigError as error:
            problems += error.problems
        else:
            layers += [layer] if layer is not None else []
    for variable, table in tables_of(os.environ):
        try:
            layers.append(_checked(Layer(Origin(f"environment variable {variable}", None), table)))
        except ConfigError as error:
            problems += error.problems
    return layers, problems


def project_source(directory: Path) -> str | None:
    """The project's configuration that applies in a directory; ``None`` where there is none.

    Raises :class:`ConfigError` for one that cannot be read.
    """
    layer = _project_layer(directory.absolute())
    return None if layer is None else layer.origin.source


def _user_layer() -> Layer | None:
    file = user_config_file()
    table = _read_file(file)
    return None if table is None else Layer(Origin(str(file), file.parent), table)


def _project_layer(start: Path) -> Layer | None:
    """Find ``plugbay.toml`` or ``[tool.plugbay]`` in the nearest directory upwards that has one, or read the file chosen."""
    chosen = os.environ.get(CHOSEN)
    if chosen:
        return _chosen_layer(Path(chosen).absolute())
    for directory in (start, *start.parents):
        own = directory / "plugbay.toml"
        table = _read_file(own) if _is_there(own) else None
        if table is not None:
            return Layer(Origin(str(own), directory), table)
        shared = directory / _SHARED
        layer = _layer_of_tool(shared) if _is_there(shared) else None
        if layer is not None:
            return layer
    return None


def _chosen_layer(file: Path) -> Layer:
    if file.name == _SHARED:
        layer = _layer_of_tool(file)
    else:
        table = _read_file(file)
        layer = None if table is None else Layer(Origin(str(file), file.parent), table)
    if layer is None:
        lacking = "it has no table tool.plugbay" if _is_there(file) else "there is no such file"
        raise ConfigError([f"{file}: {lacking}; it was chosen by --config or {CHOSEN}"])
    return layer


def _layer_of_tool(file: Path) -> Layer | None:
    tool = (_read_file(file) or {}).get("tool")
    if not isinstance(tool, dict) or "plugbay" not in tool:
        return None
    table = tool["plugbay"]
    if not isinstance(table, dict):
        raise ConfigError([f"{file}: tool.plugbay: expected a table, got {table!r:.60}"])
    return Layer(Origin(f"{file} [tool.plugbay]", file.parent), table)


def project_directory(start: Path) -> Path | None:
    """The directory of the project's configuration, which applies in ``start``; ``None`` when there is none."""
    try:
        layer = _project_layer(start)
    except ConfigError:
        return None
    return None if layer is None else layer.origin.directory


def _is_there(path: Path) -> bool:
    """Tell whether there is anything of that name; what lies in a directory that may not be searched does not count."""
    try:
        path.lstat()
    except OSError:
        return False
    return True


def _read_file(path: Path) -> dict[str, Any] | None:
    """Read a file; ``None`` when there is none."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError([f"{path} cannot be read: {error.strerror}"]) from error
    from plugbay.config.toml_file import UnreadableTomlError, read_toml  # many runs have no file

    try:
        table = read_toml(path)
    except FileNotFoundError:  # it is a link to nothing
        return None
    except OSError as error:
        raise ConfigError([f"{path} cannot be read: {error.strerror}"]) from error
    except UnreadableTomlError as error:
        if isinstance(error.__cause__, RecursionError):
            raise ConfigError([f"{path} is nested more than {_DEEPEST} levels deep"]) from error
        raise ConfigError([f"{path} {error}"]) from error
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
