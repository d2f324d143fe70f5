"""From a component's table to an instance of its flavor, strictly and with every problem at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs

from plugbay.config.merging import Keys, is_reference
from plugbay.config.schema import ComponentConfig
from plugbay.config.sourced import SourcedText
from plugbay.errors import did_you_mean, listed
from plugbay_hookspecs import Secret

if TYPE_CHECKING:
    from plugbay.config.structuring import FetchSecret


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
    unset: dict[str, str] = {}
    table = _sourced(config.settings, config, (), unset)
    problems = [f"{place}: the environment variable {variable} is not set" for place, variable in unset.items()]
    instance: Any = None
    try:
        instance = _structured(table, flavor, fetch_secret, config) if table or _must_be_set(flavor) else flavor()
    except Exception as error:  # noqa: BLE001  a flavor's own validators may raise anything
        found = _problems(error, config, ())
        problems += [problem for problem in found if not problem.startswith(tuple(f"{place}: " for place in unset))]
    if problems:
        raise SettingsError(problems)
    return instance


def secrets_in(settings: Any, place: str = "") -> Iterator[tuple[str, Secret]]:
    """Yield every secret among the settings of a component, with the place of its setting: ``servers[0].token``."""
    if isinstance(settings, Secret):
        yield place, settings
    elif attrs.has(type(settings)):
        for field in attrs.fields(type(settings)):
            name = field.alias or field.name
            yield from secrets_in(getattr(settings, field.name, None), f"{place}.{name}" if place else name)
    elif isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from secrets_in(value, f"{place}.{key}")
    elif isinstance(settings, (list, tuple, set, frozenset)):
        for index, value in enumerate(settings):
            yield from secrets_in(value, f"{place}[{index}]")


def _must_be_set(flavor: type) -> bool:
    return any(field.init and field.default is attrs.NOTHING for field in attrs.fields(flavor))


def _structured(table: Any, flavor: type, fetch_secret: FetchSecret, config: ComponentConfig) -> Any:
    from plugbay.config.structuring import settings_converter  # slow to import, and many components need no settings

    return settings_converter(fetch_secret, config.directory).structure(table, flavor)


def _sourced(value: Any, config: ComponentConfig, at: Keys, unset: dict[str, str]) -> Any:
    """Replace every ``{ env = "NAME" }`` by the variable's value, and mark the texts that stand elsewhere.

    :param unset: takes the place of each variable that is not set.
    """
    if is_reference(value) and "env" in value:
        text = os.environ.get(value["env"])
        if text is None:
            unset[config.place_of(at)] = value["env"]
        return SourcedText(text or "", value["env"], directory=config.origin_of(at).directory)
    if isinstance(value, dict):
        return {key: _sourced(item, config, (*at, key), unset) for key, item in value.items()}
    if isinstance(value, list):
        return [_sourced(item, config, (*at, str(index)), unset) for index, item in enumerate(value)]
    if isinstance(value, str) and not isinstance(value, SourcedText):
        directory = config.origin_of(at).directory
        return value if directory == config.directory else SourcedText(value, directory=directory)
    return value


def _problems(error: BaseException, config: ComponentConfig, at: Keys) -> list[str]:
    """Flatten cattrs' tree of errors into one line a problem, each with file and table path."""
    from cattrs import ClassValidationError, ForbiddenExtraKeysError, IterableValidationError, IterableValidationNote

    if isinstance(error, (ClassValidationError, IterableValidationError)):
        located, plain = error.group_exceptions()
        found = []
        for inner, note in located:
            key = str(note.index if isinstance(note, IterableValidationNote) else note.name)
            if isinstance(inner, KeyError) and inner.args == (key,):
                found.append(f"{config.place_of(at)}: the setting {key!r} is missing")
            else:
                found += _problems(inner, config, (*at, key))
        return found + [problem for inner in plain for problem in _problems(inner, config, at)]
    if isinstance(error, ForbiddenExtraKeysError):
        known = [field.alias for field in attrs.fields(error.cl) if field.init] if attrs.has(error.cl) else []
        has = f"{config.type} {config.flavor!r} has: {listed(known)}"
        return [
            f"{config.place_of((*at, key))}: unknown setting{did_you_mean(key, known)} ({has})"
            for key in sorted(error.extra_fields)
        ]
    return [f"{config.place_of(at)}: {str(error) or type(error).__name__}"]
