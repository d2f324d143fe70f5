"""A value from a tree that TOML gives, read by an annotation with cattrs, strictly."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import functools
import inspect
import pathlib
import types
import typing
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, Union

import attrs
from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError, StructureHandlerNotFoundError
from cattrs.gen import make_dict_structure_fn

from plugbay.errors import did_you_mean, listed
from plugbay.typecheck import bare, describe, mismatch

_AS_TOML_HAS_THEM = (str, bool, int, float, dt.datetime, dt.date, dt.time)


def value_of_tree(tree: Any, hint: Any, where: str) -> tuple[Any, list[str]]:
    """Return the value and what is wrong with it, if anything is; every problem begins with ``where``."""
    hint = bare(hint)
    if hint in (Any, object):
        return tree, []
    try:
        value = _converter().structure(tree, hint)
    except StructureHandlerNotFoundError:
        problem = mismatch(tree, hint, where)
        return tree, [f"{problem}; a value of this type cannot be written in TOML"] if problem else []
    except Exception as error:  # noqa: BLE001  a class of the user's may refuse a value in its own way
        return None, _problems(error, where)
    return value, []


@functools.cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    for kind in _AS_TOML_HAS_THEM:
        converter.register_structure_hook(kind, _same(kind))
    converter.register_structure_hook_func(lambda hint: _is_class(hint, pathlib.PurePath), _from_string)
    converter.register_structure_hook(uuid.UUID, _from_string)
    converter.register_structure_hook(decimal.Decimal, lambda tree, _: _decimal(tree))
    converter.register_structure_hook(enum.Enum, _member)
    converter.register_structure_hook_func(_is_literal, _choice)
    converter.register_structure_hook_func(_is_union, lambda tree, hint: _one_of(converter, tree, hint))
    converter.register_structure_hook_func(_is_collection, lambda tree, hint: _items(converter, tree, hint))
    converter.register_structure_hook_func(_is_mapping, lambda tree, hint: _entries(converter, tree, hint))
    converter.register_structure_hook_factory(_has_fields, lambda hint: _from_table(converter, hint))
    return converter


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is Literal


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (Union, types.UnionType)


def _is_collection(hint: Any) -> bool:
    return _is_class(typing.get_origin(hint) or hint, Collection) and not _is_mapping(hint) and hint not in (str, bytes)


def _is_mapping(hint: Any) -> bool:
    return _is_class(typing.get_origin(hint) or hint, Mapping) and not typing.is_typeddict(hint)


def _has_fields(hint: Any) -> bool:
    return isinstance(hint, type) and (attrs.has(hint) or dataclasses.is_dataclass(hint))


class _InPartsError(Exception):
    """What is wrong with parts of a value, each with the place of the part."""

    def __init__(self, parts: list[tuple[str, Exception]]) -> None:
        super().__init__(str(parts))
        self.parts = parts


def _items(converter: Converter, tree: Any, hint: Any) -> Any:
    if not isinstance(tree, list):
        raise TypeError(_expected(hint, tree))
    kind, arguments = typing.get_origin(hint) or hint, typing.get_args(hint) or (Any,)
    if kind is tuple and arguments[-1] is not Ellipsis and typing.get_args(hint):
        if len(arguments) != len(tree):
            msg = f"expected {len(arguments)} elements, got {len(tree)}"
            raise TypeError(msg)
        hints = arguments
    else:
        hints = (arguments[0],) * len(tree)
    parts = [(f"[{index}]", item, part) for index, (item, part) in enumerate(zip(tree, hints, strict=True))]
    values = _structured(converter, parts)
    return values if inspect.isabstract(kind) else kind(values)


def _entries(converter: Converter, tree: Any, hint: Any) -> Any:
    if not isinstance(tree, dict):
        raise TypeError(_expected(hint, tree))
    of_keys, of_values = typing.get_args(hint) or (Any, Any)
    keys = _structured(converter, [(f", key {key!r}", key, of_keys) for key in tree])
    values = _structured(converter, [(f"[{key!r}]", item, of_values) for key, item in tree.items()])
    return dict(zip(keys, values, strict=True))


def _structured(converter: Converter, parts: list[tuple[str, Any, Any]]) -> list[Any]:
    values, errors = [], []
    for place, tree, hint in parts:
        try:
            values.append(converter.structure(tree, hint))
        except Exception as error:  # noqa: BLE001  the next option may take it
            errors.append((place, error))
    if errors:
        raise _InPartsError(errors)
    return values


def _from_table(converter: Converter, hint: Any) -> Callable[[Any, Any], Any]:
    structure = make_dict_structure_fn(
        hint, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True
    )

    def structure_table(tree: Any, _: Any) -> Any:
        if not isinstance(tree, dict):
            raise TypeError(_expected(hint, tree))
        return structure(tree, hint)

    return structure_table


def _is_class(hint: Any, kind: type) -> bool:
    return isinstance(hint, type) and issubclass(hint, kind)


def _same(kind: type) -> Callable[[Any, Any], Any]:
    """Take a value of exactly this kind; an int is a float too."""

    def structure(tree: Any, _: Any) -> Any:
        if kind is float and type(tree) is int:
            return float(tree)
        if type(tree) is not kind:
            raise TypeError(_expected(kind, tree))
        return tree

    return structure


def _from_string(tree: Any, hint: Any) -> Any:
    if not isinstance(tree, str):
        raise TypeError(_expected(hint, tree))
    try:
        return hint(tree)
    except ValueError as error:
        raise TypeError(_expected(hint, tree)) from error


def _decimal(tree: Any) -> decimal.Decimal:
    if isinstance(tree, bool) or not isinstance(tree, (int, float, str)):
        raise TypeError(_expected(decimal.Decimal, tree))
    try:
        return decimal.Decimal(str(tree))
    except ArithmeticError as error:
        raise TypeError(_expected(decimal.Decimal, tree)) from error


def _member(tree: Any, hint: type[enum.Enum]) -> enum.Enum:
    members = hint.__members__
    if isinstance(tree, str) and tree in members:
        return members[tree]
    near = did_you_mean(tree, members) if isinstance(tree, str) else ""
    msg = f"expected one of {', '.join(members)}, got {tree!r}{near}"
    raise TypeError(msg)


def _choice(tree: Any, hint: Any) -> Any:
    for option in typing.get_args(hint):
        if type(option) is type(tree) and option == tree:
            return option
    msg = f"expected one of {', '.join(map(repr, typing.get_args(hint)))}, got {tree!r}"
    raise TypeError(msg)


def _one_of(converter: Converter, tree: Any, hint: Any) -> Any:
    """The first option that takes the value, one of exactly its type before others."""
    options = sorted(typing.get_args(hint), key=lambda option: bare(option) is not type(tree))
    for option in options:
        if option is type(None):
            continue
        try:
            return converter.structure(tree, option)
        except Exception as error:  # noqa: BLE001  the next option may take it
            failure = error
    if len(options) == 2 and type(None) in options:
        raise failure
    raise TypeError(_expected(hint, tree))


def _expected(hint: Any, tree: Any) -> str:
    return f"expected {describe(hint)}, got {tree!r:.60}"


def _problems(error: BaseException, where: str) -> list[str]:
    """Flatten cattrs' tree of errors into one line a problem."""
    if isinstance(error, ClassValidationError):
        located, plain = error.group_exceptions()
        found = [problem for inner, note in located for problem in _problems_of_field(inner, where, note.name)]
        return found + [problem for inner in plain for problem in _problems(inner, where)]
    if isinstance(error, _InPartsError):
        return [problem for place, inner in error.parts for problem in _problems(inner, f"{where}{place}")]
    if isinstance(error, ForbiddenExtraKeysError):
        known = _field_names(error.cl)
        return [
            f"{where}: {error.cl.__qualname__} has no field {key!r}{did_you_mean(key, known)} (it has: {listed(known)})"
            for key in sorted(error.extra_fields)
        ]
    return [f"{where}: {str(error) or type(error).__name__}"]


def _problems_of_field(error: BaseException, where: str, field: str) -> list[str]:
    if isinstance(error, KeyError):
        return [f"{where}: the field {field!r} is missing"]
    return _problems(error, f"{where}, field {field!r}")


def _field_names(kind: Any) -> list[str]:
    if attrs.has(kind):
        return [field.alias for field in attrs.fields(kind)]
    return list(getattr(kind, "__dataclass_fields__", ()))
