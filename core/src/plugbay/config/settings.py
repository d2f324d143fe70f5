"""From a component's table to an instance of its flavor, by cattrs, strictly and with every problem at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_origin

import attrs
from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError, IterableValidationError
from cattrs.strategies import configure_union_passthrough

from plugbay.config.schema import ComponentConfig, table_path
from plugbay.errors import did_you_mean, listed
from plugbay.pipelines.typecheck import describe
from plugbay_hookspecs import Secret

FetchSecret = Callable[[str], str]


class EnvironmentText(str):
    """A text that came from an environment variable, and may stand for a number or a truth value."""

    __slots__ = ("variable",)
    variable: str


class SettingsError(Exception):
    """Problems with a component's settings, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        """Hold the ``problems``."""
        super().__init__("\n".join(problems))
        self.problems = problems


def structure_settings(flavor: type, config: ComponentConfig, fetch_secret: FetchSecret) -> Any:
    """Make an instance of ``flavor`` from the component's settings.

    :param fetch_secret: looks a secret up by name when it is used.
    :raises SettingsError: with every unknown key, missing setting and wrong value.
    """
    problems: list[str] = []
    table = _with_environment(config.settings, config, config.keys, problems)
    try:
        instance = _converter(fetch_secret, config.directory).structure(table, flavor)
    except Exception as error:  # noqa: BLE001  a flavor's own validators may raise anything
        problems += _problems(error, flavor, config, config.keys)
        instance = None
    if problems:
        raise SettingsError(problems)
    return instance


def _with_environment(value: Any, config: ComponentConfig, keys: tuple[str, ...], problems: list[str]) -> Any:
    """Replace every ``{ env = "NAME" }`` by the variable's value."""
    if isinstance(value, dict):
        if set(value) == {"env"} and isinstance(value["env"], str):
            text = os.environ.get(value["env"])
            if text is None:
                problems.append(f"{config.source}: {table_path(keys)}: the environment variable {value['env']} is not set")
                return EnvironmentText("")
            found = EnvironmentText(text)
            found.variable = value["env"]
            return found
        return {key: _with_environment(item, config, (*keys, key), problems) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_environment(item, config, keys, problems) for item in value]
    return value


def _converter(fetch_secret: FetchSecret, directory: Path | None) -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)

    def secret(value: Any, _: Any) -> Secret:
        if isinstance(value, EnvironmentText):
            return Secret(str(value), f"env:{value.variable}")
        if isinstance(value, str):
            return Secret(value)
        if isinstance(value, dict) and set(value) == {"secret"} and isinstance(value["secret"], str):
            name = value["secret"]
            return Secret(lambda: fetch_secret(name), f"secret:{name}")
        msg = 'expected a text, { secret = "name" } or { env = "NAME" }'
        raise TypeError(msg)

    def path(value: Any, _: Any) -> Path:
        _expect(value, str, "a path")
        found = Path(str(value)).expanduser()
        return found if found.is_absolute() or directory is None else directory / found

    converter.register_structure_hook(Secret, secret)
    converter.register_structure_hook(Path, path)
    for kind in (str, bool, int, float):
        converter.register_structure_hook(kind, _strict(kind))
    configure_union_passthrough(Union[str, bool, int, float, None], converter)
    converter.register_structure_hook_func(_is_optional_secret, lambda v, t: None if v is None else secret(v, t))
    return converter


def _is_optional_secret(hint: Any) -> bool:
    return get_origin(hint) in (Union, UnionType) and set(hint.__args__) == {Secret, type(None)}


def _strict(kind: type) -> Callable[[Any, Any], Any]:
    """Take a value of exactly this kind; an int is a float too, and a variable's text may stand for any."""

    def structure(value: Any, _: Any) -> Any:
        if isinstance(value, EnvironmentText):
            return _from_text(str(value), kind)
        if kind is float and type(value) is int:
            return float(value)
        _expect(value, kind, describe(kind))
        return value

    return structure


def _from_text(text: str, kind: type) -> Any:
    if kind is not bool:
        return kind(text)
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    msg = f"expected true or false, got {text!r}"
    raise ValueError(msg)


def _expect(value: Any, kind: type, expected: str) -> None:
    if isinstance(value, dict) and set(value) == {"secret"}:
        msg = f"expected {expected}, got a secret: this setting is shown and cannot hold one"
        raise TypeError(msg)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        msg = f"expected {expected}, got {value!r:.60}"
        raise TypeError(msg)


def _problems(error: BaseException, flavor: type, config: ComponentConfig, keys: tuple[str, ...]) -> list[str]:
    """Flatten cattrs' tree of errors into one line a problem, each with file and table path."""
    place = f"{config.source}: {table_path(keys)}"
    if isinstance(error, ClassValidationError):
        located, plain = error.group_exceptions()
        found = [p for inner, note in located for p in _problems(inner, flavor, config, (*keys, note.name))]
        return found + [p for inner in plain for p in _problems(inner, flavor, config, keys)]
    if isinstance(error, IterableValidationError):
        items, plain = error.group_exceptions()
        found = [p for inner, note in items for p in _problems(inner, flavor, config, (*keys, str(note.index)))]
        return found + [p for inner in plain for p in _problems(inner, flavor, config, keys)]
    if isinstance(error, ForbiddenExtraKeysError):
        known = [field.alias for field in attrs.fields(error.cl)] if attrs.has(error.cl) else []
        settings = f"{config.type} {config.flavor!r} has: {listed(known)}"
        return [
            f"{config.source}: {table_path((*keys, key))}: unknown setting{did_you_mean(key, known)} ({settings})"
            for key in sorted(error.extra_fields)
        ]
    if isinstance(error, KeyError):
        return [f"{place}: the setting {error.args[0]!r} is missing"]
    return [f"{place}: {str(error) or type(error).__name__}"]
