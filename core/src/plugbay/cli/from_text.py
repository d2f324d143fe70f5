"""A value from the text behind ``-p name=``, read by an annotation."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import pathlib
import tomllib
import types
import typing
import uuid
from collections.abc import Callable
from typing import Any, Literal, Union

from plugbay.cli.from_toml import value_of_tree
from plugbay.errors import did_you_mean
from plugbay.typecheck import bare, describe

_BY_CALL: dict[Any, Callable[[str], Any]] = {
    int: int,
    float: float,
    complex: complex,
    decimal.Decimal: decimal.Decimal,
    uuid.UUID: uuid.UUID,
    dt.datetime: dt.datetime.fromisoformat,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
}
"""How a type of one word is read; each call raises ``ValueError`` or ``ArithmeticError`` for a wrong text."""


def value_of_text(text: str, hint: Any, where: str) -> tuple[Any, list[str]]:
    """Return the value and what is wrong with it, if anything is.

    :param where: the beginning of every problem.
    """
    hint = bare(hint)
    if isinstance(hint, typing.NewType):
        return value_of_text(text, hint.__supertype__, where)
    if hint is str:
        return text, []
    if hint in (Any, object):
        return _anything(text), []
    if hint in (None, type(None)):
        return _none(text, where)
    if hint is bool:
        return _boolean(text, where)
    if isinstance(hint, type) and issubclass(hint, pathlib.PurePath):
        return _path(text, hint, where)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return _member(text, hint, where)
    if hint in _BY_CALL:
        return _called(text, hint, where)
    origin = typing.get_origin(hint)
    if origin is Literal:
        return _choice(text, typing.get_args(hint), where)
    if origin in (Union, types.UnionType):
        return _one_of(text, hint, where)
    return _toml(text, hint, where)


def _path(text: str, hint: type[pathlib.PurePath], where: str) -> tuple[Any, list[str]]:
    path = hint(text)
    try:
        return path.expanduser() if isinstance(path, pathlib.Path) else path, []
    except (RuntimeError, ValueError):
        return None, [f"{where}: {text!r} starts at the home directory of a user who is not known here"]


def _anything(text: str) -> Any:
    """A TOML value, or the text itself: there is no annotation to tell."""
    try:
        return _parsed(text)
    except ValueError:
        return text


def _parsed(text: str) -> Any:
    """Parse a TOML value. Raises ``ValueError`` for anything else, a whole TOML document included."""
    try:
        table = tomllib.loads(f"value = {text}")
    except RecursionError as error:
        msg = "it is nested too deeply"
        raise ValueError(msg) from error
    if set(table) != {"value"}:
        msg = "expected one value"
        raise ValueError(msg)
    return table["value"]


def _none(text: str, where: str) -> tuple[Any, list[str]]:
    return None, [] if text.lower() == "none" else [f"{where}: expected none, got {text!r}"]


def _boolean(text: str, where: str) -> tuple[Any, list[str]]:
    if text.lower() in ("true", "false"):
        return text.lower() == "true", []
    return None, [f"{where}: expected true or false, got {text!r}"]


def _member(text: str, hint: type[enum.Enum], where: str) -> tuple[Any, list[str]]:
    members = hint.__members__
    if text in members:
        return members[text], []
    return None, [f"{where}: expected one of {', '.join(members)}, got {text!r}{did_you_mean(text, members)}"]


def _called(text: str, hint: Any, where: str) -> tuple[Any, list[str]]:
    try:
        return _BY_CALL[hint](text), []
    except (ValueError, ArithmeticError):
        return None, [f"{where}: expected {describe(hint)}, got {text!r}"]


def _choice(text: str, options: tuple[Any, ...], where: str) -> tuple[Any, list[str]]:
    for option in options:
        name = option.name if isinstance(option, enum.Enum) else str(option)
        if text == name or (not isinstance(option, str) and text.lower() == name.lower()):
            return option, []
    names = [option if isinstance(option, str) else str(option) for option in options]
    return None, [f"{where}: expected one of {', '.join(names)}, got {text!r}{did_you_mean(text, names)}"]


def _one_of(text: str, hint: Any, where: str) -> tuple[Any, list[str]]:
    """The first option that takes the text; text itself, which takes anything, comes last."""
    options = typing.get_args(hint)
    for option in sorted(options, key=_looseness):
        value, problems = value_of_text(text, option, where)
        if not problems:
            return value, []
    if len(options) == 2 and type(None) in options:
        return value_of_text(text, next(option for option in options if option is not type(None)), where)
    return None, [f"{where}: expected {describe(hint)}, got {text!r}"]


def _looseness(hint: Any) -> int:
    """Strict readers first: ``None`` and truth values are words, a number is no date, and text is anything."""
    hint = bare(hint)
    if hint in (None, type(None), bool):
        return 0
    if hint is int:
        return 1
    if hint in (float, complex):
        return 2
    loose = hint is str or (isinstance(hint, type) and issubclass(hint, pathlib.PurePath))
    return 4 if loose else 3


def _toml(text: str, hint: Any, where: str) -> tuple[Any, list[str]]:
    try:
        tree = _parsed(text)
    except ValueError as error:
        reason = str(error).partition(" (at line")[0]
        return None, [f"{where}: expected {describe(hint)} as a TOML value, got {text!r} ({reason})"]
    return value_of_tree(tree, hint, where)
