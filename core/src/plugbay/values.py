"""The canonical form of plain values: JSON that keeps Python's types, and bytes that no two different values share.

``encode`` gives a tree of JSON values in which everything JSON lacks is a tagged object such as ``{"$tuple": [1, 2]}``;
``decode`` is its inverse. ``canonical`` turns such a tree into length-prefixed bytes with sorted keys: the form that
fingerprints are made of.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import pathlib
import uuid
import zoneinfo
from collections.abc import Callable
from typing import Any

import attrs

from plugbay.code.reference import reference_to, resolve
from plugbay.errors import PlugbayError

_ATOMS = frozenset({str, int, bool, type(None)})
_JSON = _ATOMS | {float}


class EncodingError(PlugbayError, TypeError):
    """A value that has no canonical form."""


def encode(value: object, where: str = "value") -> Any:
    """Return the canonical JSON tree of ``value``.

    Raises :class:`EncodingError`, which names the place below ``where``, for a value that is not plain: plain are
    ``None``, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, the types of ``datetime``,
    ``Decimal``, ``UUID``, ``pathlib`` paths, enums, named tuples, and attrs and dataclass instances made of these.
    """
    try:
        return _encode(value, where)
    except RecursionError as error:
        msg = f"{where} is nested too deeply or contains itself"
        raise EncodingError(msg) from error


def _encode(value: Any, where: str) -> Any:
    kind = type(value)
    if kind in _ATOMS:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is list:
        if all(type(item) in _ATOMS for item in value):
            return list(value)
        return [_encode(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if kind is dict:
        return _encode_dict(value, where)
    if kind is tuple:
        return {"$tuple": [_encode(item, f"{where}[{index}]") for index, item in enumerate(value)]}
    encoder = _ENCODERS.get(kind)
    if encoder is not None:
        return encoder(value, where)
    if isinstance(value, enum.Enum):
        return {"$enum": _class_reference(kind, where), "name": value.name}
    if isinstance(value, pathlib.PurePath):
        return {"$path": str(value)}
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return {"$namedtuple": _class_reference(kind, where), "items": [_encode(i, where) for i in value]}
    if attrs.has(kind) or dataclasses.is_dataclass(kind):
        fields = {name: _encode(getattr(value, name), f"{where}.{name}") for name in _field_names(kind)}
        return {"$object": _class_reference(kind, where), "fields": fields}
    msg = f"{where} is a {kind.__module__}.{kind.__qualname__}, which has no canonical form"
    raise EncodingError(msg)


def _encode_dict(value: dict[Any, Any], where: str) -> Any:
    if all(type(key) is str and not key.startswith("$") for key in value):
        return {key: _encode(item, f"{where}[{key!r}]") for key, item in value.items()}
    pairs = [[_encode(key, f"key of {where}"), _encode(item, f"{where}[{key!r}]")] for key, item in value.items()]
    return {"$dict": pairs}


def _encode_set(tag: str) -> Callable[[Any, str], Any]:
    def encoder(value: Any, where: str) -> Any:
        return {tag: sorted((_encode(item, f"element of {where}") for item in value), key=canonical)}

    return encoder


def _encode_datetime(value: dt.datetime, where: str) -> Any:
    if isinstance(value.tzinfo, zoneinfo.ZoneInfo) and value.tzinfo.key:
        return {"$datetime": value.replace(tzinfo=None).isoformat(), "zone": value.tzinfo.key, "fold": value.fold}
    if value.tzinfo is None or isinstance(value.tzinfo, dt.timezone):
        return {"$datetime": value.isoformat()}
    msg = f"{where} has the time zone {value.tzinfo!r}, which has no canonical form; use datetime.timezone or zoneinfo"
    raise EncodingError(msg)


_ENCODERS: dict[type, Callable[[Any, str], Any]] = {
    bytes: lambda value, _: {"$bytes": base64.b64encode(value).decode()},
    set: _encode_set("$set"),
    frozenset: _encode_set("$frozenset"),
    complex: lambda value, _: {"$complex": [repr(value.real), repr(value.imag)]},
    dt.datetime: _encode_datetime,
    dt.date: lambda value, _: {"$date": value.isoformat()},
    dt.time: lambda value, _: {"$time": value.isoformat()},
    dt.timedelta: lambda value, _: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    decimal.Decimal: lambda value, _: {"$decimal": str(value)},
    uuid.UUID: lambda value, _: {"$uuid": str(value)},
}


def _field_names(kind: type) -> list[str]:
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind)]
    return [field.name for field in dataclasses.fields(kind)]


def _class_reference(kind: type, where: str) -> str:
    reference = reference_to(kind)
    if reference is None:
        msg = (
            f"{where} is a {kind.__qualname__}, which cannot be imported; define the class at the top level of a module"
        )
        raise EncodingError(msg)
    return reference


def decode(tree: Any) -> Any:
    """Return the value that ``tree`` stands for; a new object at each call.

    Raises :class:`EncodingError` when a class it names cannot be imported or is not what it was.
    """
    if isinstance(tree, list):
        if all(type(item) in _JSON for item in tree):
            return list(tree)
        return [decode(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    tag = next(iter(tree), "")
    if not tag.startswith("$"):
        return {key: decode(item) for key, item in tree.items()}
    try:
        return _DECODERS[tag](tree)
    except (KeyError, TypeError, ValueError, AttributeError, ImportError) as error:
        msg = f"cannot read a value written as {json.dumps(tree)[:200]}: {error}"
        raise EncodingError(msg) from error


def _decode_datetime(tree: dict[str, Any]) -> dt.datetime:
    moment = dt.datetime.fromisoformat(tree["$datetime"])
    if "zone" in tree:
        moment = moment.replace(tzinfo=zoneinfo.ZoneInfo(tree["zone"]), fold=tree["fold"])
    return moment


def _decode_object(tree: dict[str, Any]) -> Any:
    kind = resolve(tree["$object"])
    if not isinstance(kind, type) or not (attrs.has(kind) or dataclasses.is_dataclass(kind)):
        msg = f"{tree['$object']} is neither an attrs class nor a dataclass"
        raise TypeError(msg)
    known, found = set(_field_names(kind)), set(tree["fields"])
    if known != found:
        msg = f"the fields of {tree['$object']} have changed: it has {sorted(known)}, the value {sorted(found)}"
        raise TypeError(msg)
    value = object.__new__(kind)  # as it was, without running __init__ again
    for name, item in tree["fields"].items():
        object.__setattr__(value, name, decode(item))
    return value


def _decode_enum(tree: dict[str, Any]) -> Any:
    kind = resolve(tree["$enum"])
    if not isinstance(kind, type) or not issubclass(kind, enum.Enum):
        msg = f"{tree['$enum']} is not an enum"
        raise TypeError(msg)
    return kind[tree["name"]]


def _decode_namedtuple(tree: dict[str, Any]) -> Any:
    kind = resolve(tree["$namedtuple"])
    if not isinstance(kind, type) or not issubclass(kind, tuple):
        msg = f"{tree['$namedtuple']} is not a named tuple"
        raise TypeError(msg)
    return kind(*(decode(item) for item in tree["items"]))


_DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "$bytes": lambda tree: base64.b64decode(tree["$bytes"]),
    "$complex": lambda tree: complex(float(tree["$complex"][0]), float(tree["$complex"][1])),
    "$date": lambda tree: dt.date.fromisoformat(tree["$date"]),
    "$datetime": _decode_datetime,
    "$decimal": lambda tree: decimal.Decimal(tree["$decimal"]),
    "$dict": lambda tree: {decode(key): decode(item) for key, item in tree["$dict"]},
    "$enum": _decode_enum,
    "$float": lambda tree: float(tree["$float"]),
    "$frozenset": lambda tree: frozenset(decode(item) for item in tree["$frozenset"]),
    "$namedtuple": _decode_namedtuple,
    "$object": _decode_object,
    "$path": lambda tree: pathlib.Path(tree["$path"]),
    "$set": lambda tree: {decode(item) for item in tree["$set"]},
    "$time": lambda tree: dt.time.fromisoformat(tree["$time"]),
    "$timedelta": lambda tree: dt.timedelta(*tree["$timedelta"]),
    "$tuple": lambda tree: tuple(decode(item) for item in tree["$tuple"]),
    "$uuid": lambda tree: uuid.UUID(tree["$uuid"]),
}


def canonical(tree: Any) -> bytes:
    """Return bytes that are equal for two JSON trees only when the trees are, whatever the order of their keys.

    Each node is a type letter, the length of its payload in decimal, a colon, and the payload.
    """
    if isinstance(tree, str):
        return _node(b"s", tree.encode("utf-8", "surrogatepass"))
    if tree is None:
        return b"n0:"
    if isinstance(tree, bool):
        return b"b1:1" if tree else b"b1:0"
    if isinstance(tree, int):
        return _node(b"i", b"%d" % tree)
    if isinstance(tree, float):
        return _node(b"f", repr(tree).encode())
    if isinstance(tree, (list, tuple)):
        return _node(b"l", b"".join([canonical(item) for item in tree]))
    if isinstance(tree, dict):
        return _node(b"d", b"".join([canonical(key) + canonical(tree[key]) for key in sorted(tree)]))
    msg = f"{tree!r} is no JSON value"
    raise EncodingError(msg)


def _node(letter: bytes, payload: bytes) -> bytes:
    return letter + b"%d:" % len(payload) + payload
