"""How the values of a settings table become what a flavor's fields are annotated with."""

from __future__ import annotations

import collections.abc
import datetime
from collections.abc import Callable
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn

from plugbay.config.schema import shown
from plugbay.config.sourced import SourcedText, unsourced
from plugbay.errors import did_you_mean
from plugbay.masking import hide
from plugbay.typecheck import bare, describe
from plugbay_hookspecs import Secret

FetchSecret = Callable[[str], str]
_Hook = Callable[[Any, Any], Any]


def settings_converter(fetch_secret: FetchSecret, directory: Path | None) -> Converter:
    """Make a converter that takes nothing for what it is not.

    :param fetch_secret: looks a secret up by name when it is used.
    :param directory: where relative paths start, if their own origin does not say otherwise.
    """
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    converter.register_structure_hook_func(_is_any, lambda value, _: unsourced(value))
    converter.register_structure_hook_func(_is_choice, _one_of)
    converter.register_structure_hook_func(_is_union, lambda value, hint: _first_that_fits(value, hint, converter))
    _register_tables_and_lists(converter)
    for kind in (str, bool, int, float, datetime.datetime, datetime.date, datetime.time):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(Secret, _secrets(fetch_secret))
    converter.register_structure_hook(Path, _paths(directory))
    return converter


def _secrets(fetch_secret: FetchSecret) -> _Hook:
    def secret(value: Any, _: Any) -> Secret:
        if isinstance(value, SourcedText) and value.variable is not None:
            hide(str(value))
            return Secret(str(value), f"env:{value.variable}")
        if isinstance(value, str):
            hide(str(value))
            return Secret(str(value))
        if isinstance(value, dict) and set(value) == {"secret"} and isinstance(value["secret"], str):
            name = str(value["secret"])
            return Secret(lambda: fetch_secret(name), f"secret:{name}")
        msg = 'expected a text, { secret = "name" } or { env = "NAME" }'
        raise TypeError(msg)

    return secret


def _paths(directory: Path | None) -> _Hook:
    def path(value: Any, _: Any) -> Path:
        _expect(value, str, "a path")
        base = value.directory if isinstance(value, SourcedText) else directory
        found = Path(str(value)).expanduser()
        return found if found.is_absolute() or base is None else base / found

    return path


def _exactly(kind: type) -> _Hook:
    """Take a value of exactly this kind; an int is a float too, and a variable's text may stand for any."""

    def exactly(value: Any, _: Any) -> Any:
        if isinstance(value, SourcedText) and value.variable is not None:
            return _from_variable(value, kind)
        if kind is float and type(value) is int:
            return float(value)
        _expect(value, kind, describe(kind))
        return str(value) if kind is str else value

    return exactly


def _from_variable(text: SourcedText, kind: Any) -> Any:
    if isinstance(text.value, kind) and not isinstance(text.value, str) and not _is_wrong(text.value, kind):
        return text.value
    try:
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        return kind(text) if kind in (str, int, float) else kind.fromisoformat(text)
    except (ValueError, KeyError):
        expected = "true or false" if kind is bool else describe(kind)
        msg = f"expected {expected}, got {str(text)!r:.60} from the environment variable {text.variable}"
        raise ValueError(msg) from None


def _expect(value: Any, kind: type, expected: str, *, visible: bool = True) -> None:
    if isinstance(value, dict) and set(value) == {"secret"}:
        msg = f"expected {expected}, got a secret: this setting is shown and cannot hold one"
        raise TypeError(msg)
    if _is_wrong(value, kind):
        msg = f"expected {expected}" + (f", got {shown(value)}" if visible else "")
        raise TypeError(msg)


def _is_wrong(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is not bool
    if isinstance(value, datetime.datetime):
        return kind is not datetime.datetime  # which is a date, too
    return not isinstance(value, kind)


def _is_any(hint: Any) -> bool:
    return hint is Any or hint is object


def _is_choice(hint: Any) -> bool:
    return get_origin(hint) is Literal


def _one_of(value: Any, hint: Any) -> Any:
    choices = get_args(hint)
    for choice in choices:
        given = str(value) if isinstance(value, SourcedText) else value
        wanted = str(choice) if isinstance(value, SourcedText) else choice
        if type(given) is type(wanted) and given == wanted:
            return choice
    texts = [choice for choice in choices if isinstance(choice, str)]
    near = did_you_mean(value, texts) if isinstance(value, str) else ""
    msg = f"expected one of {', '.join(map(repr, choices))}, got {shown(value)}{near}"
    raise ValueError(msg)


def _is_union(hint: Any) -> bool:
    """Tell whether there is a choice of types; ``X | None`` is none, and classes of settings are left to cattrs."""
    options = [option for option in get_args(hint) if option is not type(None)]
    return get_origin(hint) in (Union, UnionType) and len(options) > 1 and not all(map(attrs.has, options))


def _first_that_fits(value: Any, hint: Any, converter: Converter) -> Any:
    options = get_args(hint)
    if value is None and type(None) in options:
        return None
    if type(value) in options and not isinstance(value, (list, dict)):
        return value
    for option in sorted(options, key=lambda option: option is str):  # a variable's text fits it always
        try:
            return converter.structure(value, option)
        except Exception:  # noqa: BLE001, S112  the next one may fit
            continue
    msg = f"expected {describe(hint)}" + ("" if _holds_secret(hint) else f", got {shown(value)}")
    raise TypeError(msg)


def _holds_secret(hint: Any) -> bool:
    return hint is Secret or any(map(_holds_secret, get_args(hint)))


def _register_tables_and_lists(converter: Converter) -> None:
    """Have tables and lists checked before cattrs takes them apart: it takes a text for a list of characters."""
    busy: list[Any] = []

    def is_container(hint: Any) -> bool:
        return hint not in busy and _container(hint) is not None

    def checked(hint: Any) -> _Hook:
        if attrs.has(get_origin(hint) or hint):
            structure: _Hook = make_dict_structure_fn(
                hint,
                converter,
                _cattrs_forbid_extra_keys=True,
                _cattrs_use_alias=True,
                _cattrs_detailed_validation=True,
            )
        else:
            busy.append(hint)
            structure = converter.get_structure_hook(hint, cache_result=False)
            busy.remove(hint)
        kind, expected = _container(hint) or (object, "")
        visible = not _holds_secret(hint)

        def check(value: Any, hint: Any) -> Any:
            _expect(value, kind, expected, visible=visible)
            return structure(value, hint)

        return check

    converter.register_structure_hook_factory(is_container, checked)


def _container(hint: Any) -> tuple[type, str] | None:
    kind = get_origin(bare(hint)) or bare(hint)
    if not isinstance(kind, type) or issubclass(kind, (str, bytes, bytearray)):
        return None
    if attrs.has(kind) or issubclass(kind, collections.abc.Mapping):
        return dict, "a table"
    return (list, "a list") if issubclass(kind, (collections.abc.Sequence, collections.abc.Set)) else None
