"""The canonical form of plain values: JSON that keeps Python's types, and bytes that no two different values share.

``encode`` gives a tree of JSON values in which everything JSON lacks is a tagged object such as ``{"$tuple": [1, 2]}``;
``decode`` is its inverse. ``canonical`` turns such a tree into length-prefixed bytes: the form that fingerprints are made of.
The order of a dict is part of the value, as a function that is given one can see it; the order of a set is not.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import functools
import json
import math
import pathlib
import uuid
from collections.abc import Callable, Collection
from typing import Any

import attrs

from plugbay.errors import PlugbayError
from plugbay.instances import HASH_OF_ATTRS, attributes_of, has_its_own_constructor
from plugbay.reference import main_module_name, reference_to, resolve_named

_ATOMS = frozenset({str, int, bool, type(None)})
_JSON = _ATOMS | {float}
_LARGEST_INT = 1 << 2048
"""Smaller ints are written in decimal; Python refuses to convert very long ones."""
_DEEPEST = 400
"""Levels of JSON. A frame of Python is taken for each by who encodes and reads, and one of C by who sends it to a worker."""


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
        msg = f"{where} is nested too deeply (more than {_DEEPEST} levels), or contains itself"
        raise EncodingError(msg) from error


def _encode(value: Any, where: str, depth: int = 0) -> Any:
    kind = type(value)
    if kind is int:
        return value if -_LARGEST_INT < value < _LARGEST_INT else {"$int": hex(value)}
    if kind in _ATOMS:
        return value
    if kind is float:
        return value if math.isfinite(value) else {"$float": repr(value)}
    if kind is list:
        kinds = set(map(type, value))
        if kinds <= _ATOMS and (
            int not in kinds or (kinds == {int} and min(value) > -_LARGEST_INT and max(value) < _LARGEST_INT)
        ):
            return list(value)
    if kind is list or kind is tuple:
        if depth >= _DEEPEST:
            raise RecursionError
        below = depth + 1 if kind is list else depth + 2
        made = []  # a comprehension would be another frame of Python for each level
        for index, item in enumerate(value):
            made.append(_encode(item, f"{where}[{index}]", below))
        return made if kind is list else {"$tuple": made}
    if kind is dict:
        return _encode_dict(value, where, depth)
    encoder = _ENCODERS.get(kind)
    if encoder is not None:
        return encoder(value, where)
    if isinstance(value, enum.Flag):
        return {"$flag": _class_reference(kind, where), "value": int(value.value)}
    if isinstance(value, enum.Enum):
        if kind.__members__.get(value._name_) is not value:
            msg = f"{where} is {value!r}, which is no member of {kind.__qualname__} by its name, so it has no canonical form"
            raise EncodingError(msg)
        return {"$enum": _class_reference(kind, where), "name": value._name_}
    if isinstance(value, pathlib.PurePath):
        return _encode_path(value, kind, where)
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        _refuse_attributes(value, kind, (), where)
        items = tuple.__iter__(value)
        return {"$namedtuple": _class_reference(kind, where), "items": [_encode(i, where, depth + 2) for i in items]}
    if attrs.has(kind) or dataclasses.is_dataclass(kind):
        return {"$object": _class_reference(kind, where), "fields": _encode_fields(value, kind, where, depth + 2)}
    msg = f"{where} is a {kind.__module__}.{kind.__qualname__}, which has no canonical form"
    raise EncodingError(msg)


def _encode_dict(value: dict[Any, Any], where: str, depth: int) -> Any:
    if depth >= _DEEPEST:
        raise RecursionError
    if all(type(key) is str and not key.startswith("$") for key in value):
        made = {}
        for key, item in value.items():
            made[key] = _encode(item, f"{where}[{key!r}]", depth + 1)
        return made
    pairs = []
    for key, item in value.items():
        pairs.append([_encode(key, f"key of {where}", depth + 3), _encode(item, f"{where}[{key!r}]", depth + 3)])
    return {"$dict": pairs}


def _encode_path(value: pathlib.PurePath, kind: type, where: str) -> dict[str, Any]:
    """A path, and its class where that is derived from those of ``pathlib`` and adds methods alone."""
    plain, tag = path_class(kind)
    if plain is kind:
        return {tag: str(value)}
    if has_its_own_constructor(kind, plain) or not attributes_of(value).keys() <= set(dir(plain)):
        msg = f"{where} is a {kind.__module__}.{kind.__qualname__} with a constructor or attributes of its own, so it has no canonical form"
        raise EncodingError(msg)
    return {tag: str(value), "class": _class_reference(kind, where)}


def path_class(kind: type) -> tuple[type[pathlib.PurePath], str]:
    """The class of ``pathlib`` that a class of paths is or is derived from, and the tag that stands for it."""
    for plain, tag in _PATHS.items():
        if issubclass(kind, plain):
            return plain, tag
    msg = f"{kind!r} is no path"
    raise TypeError(msg)


_PATHS: dict[type[pathlib.PurePath], str] = {
    type(pathlib.Path()): "$path",
    pathlib.PurePosixPath: "$PurePosixPath",
    pathlib.PureWindowsPath: "$PureWindowsPath",
}


def _encode_fields(value: Any, kind: type, where: str, depth: int) -> dict[str, Any]:
    """All that an attrs or dataclass instance is made of; refuses one that is made of more than its fields."""
    names = _field_names(kind)
    held = _refuse_attributes(value, kind, names, where)
    lacking = [name for name in names if name not in held and not hasattr(value, name)]
    if lacking or getattr(kind, "__new__", None) is not object.__new__:
        reason = f"lacks its field {lacking[0]!r}" if lacking else "is made by a __new__ of its own"
        raise _no_form(kind, reason, where)
    fields = {}
    for name in names:
        fields[name] = _encode(held[name] if name in held else getattr(value, name), f"{where}.{name}", depth)
    return fields


def _refuse_attributes(value: Any, kind: type, names: Collection[str], where: str) -> dict[str, Any]:
    """What an instance stores, by name; refuses one that stores more than its fields ``names`` and what it computes from them."""
    held = attributes_of(value)
    for name in held:
        cached = isinstance(getattr(kind, name, None), functools.cached_property) or name == HASH_OF_ATTRS
        if name not in names and not cached:
            raise _no_form(kind, f"has {name!r} beside its fields", where)
    return held


def _no_form(kind: type, reason: str, where: str) -> EncodingError:
    return EncodingError(
        f"{where} is a {kind.__module__}.{kind.__qualname__} that {reason}, so it has no canonical form"
    )


def _encode_set(tag: str) -> Callable[[Any, str], Any]:
    def encoder(value: Any, where: str) -> Any:
        return {tag: sorted((_encode(item, f"element of {where}") for item in value), key=canonical)}

    return encoder


def _encode_datetime(value: dt.datetime, where: str) -> Any:
    return {"$datetime": value.replace(tzinfo=None).isoformat(), **_encode_zone(value, where)}


def _encode_time(value: dt.time, where: str) -> Any:
    return {"$time": value.replace(tzinfo=None).isoformat(), **_encode_zone(value, where)}


def _encode_zone(value: dt.datetime | dt.time, where: str) -> dict[str, Any]:
    zone, fold = value.tzinfo, {"fold": 1} if value.fold else {}
    if zone is None:
        return fold
    import zoneinfo  # few values have a time zone, and it is slow to import

    if type(zone) is zoneinfo.ZoneInfo and zone.key:
        return {"zone": zone.key, **fold}
    if type(zone) is dt.timezone:
        offset, name = zone.utcoffset(None), zone.tzname(None)
        own_name = {} if name == dt.timezone(offset).tzname(None) else {"name": name}
        return {"offset": [offset.days, offset.seconds, offset.microseconds], **own_name, **fold}
    msg = f"{where} has the time zone {zone!r}, which has no canonical form; use datetime.timezone or zoneinfo"
    raise EncodingError(msg)


_ENCODERS: dict[type, Callable[[Any, str], Any]] = {
    bytes: lambda value, _: {"$bytes": base64.b64encode(value).decode()},
    set: _encode_set("$set"),
    frozenset: _encode_set("$frozenset"),
    complex: lambda value, _: {"$complex": [repr(value.real), repr(value.imag)]},
    dt.datetime: _encode_datetime,
    dt.date: lambda value, _: {"$date": value.isoformat()},
    dt.time: _encode_time,
    dt.timedelta: lambda value, _: {"$timedelta": [value.days, value.seconds, value.microseconds]},
    decimal.Decimal: lambda value, _: {"$decimal": str(value)},
    uuid.UUID: lambda value, _: {"$uuid": str(value)},
}


def _field_names(kind: type) -> list[str]:
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind)]
    return [field.name for field in dataclasses.fields(kind)]


def _class_reference(kind: type, where: str) -> str:
    reference = reference_to(kind) or _reference_in_session(kind)
    if reference is None:
        msg = (
            f"{where} is a {kind.__qualname__}, which cannot be imported; define the class at the top level of a module"
        )
        raise EncodingError(msg)
    if not _leads_to_class(reference, kind.__qualname__):
        msg = f"{where} is a {kind.__qualname__}, which is not there under {reference}; define the class under its name at the top level of a module"
        raise EncodingError(msg)
    return reference


def _reference_in_session(kind: type) -> str | None:
    """A class of a notebook or a prompt, whose steps run in the process that has it."""
    in_session = kind.__module__ == "__main__" and main_module_name() is None
    return f"__main__:{kind.__qualname__}" if in_session and "<" not in kind.__qualname__ else None


def _leads_to_class(reference: str, qualname: str) -> bool:
    """Whether a class of that name is found there; not the same one when it was defined again."""
    try:
        found = resolve_named(reference)
    except (ImportError, AttributeError, ValueError):
        return False
    return isinstance(found, type) and found.__qualname__ == qualname


def decode(tree: Any) -> Any:
    """Return the value that ``tree`` stands for; a new object at each call.

    Raises :class:`EncodingError` when a class it names cannot be imported or is not what it was.
    """
    if isinstance(tree, list):
        if all(type(item) in _JSON for item in tree):
            return list(tree)
        items = []  # a comprehension would be another frame of Python for each level
        for item in tree:
            items.append(decode(item))
        return items
    if not isinstance(tree, dict):
        return tree
    tag = next(iter(tree), "")
    if not tag.startswith("$"):
        read = {}
        for key, item in tree.items():
            read[key] = decode(item)
        return read
    if tag == "$tuple":
        return tuple(decode(tree[tag]))
    try:
        return _DECODERS[tag](tree)
    except (KeyError, TypeError, ValueError, AttributeError, ImportError) as error:
        msg = f"cannot read a value written as {json.dumps(tree)[:200]}: {error}"
        raise EncodingError(msg) from error


def _zone_of(tree: dict[str, Any]) -> dict[str, Any]:
    """The time zone and fold of a datetime or time, as ``replace`` takes them."""
    zone: dt.tzinfo | None = None
    if "zone" in tree:
        import zoneinfo  # as above

        zone = zoneinfo.ZoneInfo(tree["zone"])
    elif "offset" in tree:
        offset = dt.timedelta(*tree["offset"])
        zone = dt.timezone(offset, tree["name"]) if "name" in tree else dt.timezone(offset)
    return {"tzinfo": zone, "fold": tree.get("fold", 0)}


def _decode_object(tree: dict[str, Any]) -> Any:
    kind = resolve_named(tree["$object"])
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
    if _remembers_its_hash(kind):
        object.__setattr__(value, HASH_OF_ATTRS, None)
    return value


def _remembers_its_hash(kind: type) -> bool:
    return attrs.has(kind) and HASH_OF_ATTRS in getattr(kind.__hash__, "__code__", _nothing.__code__).co_names


def _nothing() -> None:
    """A function that names nothing."""


def _decode_path(tree: dict[str, Any], tag: str, plain: type[pathlib.PurePath]) -> pathlib.PurePath:
    if "class" not in tree:
        return plain(tree[tag])
    kind = resolve_named(tree["class"])
    if not isinstance(kind, type) or not issubclass(kind, plain):
        msg = f"{tree['class']} is no class derived from {plain.__name__}"
        raise TypeError(msg)
    return kind(tree[tag])


def _enum_class(reference: str) -> Any:
    kind = resolve_named(reference)
    if not isinstance(kind, type) or not issubclass(kind, enum.Enum):
        msg = f"{reference} is not an enum"
        raise TypeError(msg)
    return kind


def _decode_namedtuple(tree: dict[str, Any]) -> Any:
    kind = resolve_named(tree["$namedtuple"])
    fields = getattr(kind, "_fields", None)
    if not isinstance(kind, type) or not issubclass(kind, tuple) or fields is None:
        msg = f"{tree['$namedtuple']} is not a named tuple"
        raise TypeError(msg)
    items = [decode(item) for item in tree["items"]]
    if len(items) != len(fields):
        msg = f"{tree['$namedtuple']} has {len(fields)} fields, and the value {len(items)}"
        raise TypeError(msg)
    return tuple.__new__(kind, items)  # as it was, without running a __new__ of its own


_DECODERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "$bytes": lambda tree: base64.b64decode(tree["$bytes"]),
    "$complex": lambda tree: complex(float(tree["$complex"][0]), float(tree["$complex"][1])),
    "$date": lambda tree: dt.date.fromisoformat(tree["$date"]),
    "$datetime": lambda tree: dt.datetime.fromisoformat(tree["$datetime"]).replace(**_zone_of(tree)),
    "$decimal": lambda tree: decimal.Decimal(tree["$decimal"]),
    "$dict": lambda tree: {decode(key): decode(item) for key, item in tree["$dict"]},
    "$enum": lambda tree: _enum_class(tree["$enum"]).__members__[tree["name"]],
    "$flag": lambda tree: _enum_class(tree["$flag"])(tree["value"]),
    "$float": lambda tree: float(tree["$float"]),
    "$frozenset": lambda tree: frozenset(decode(item) for item in tree["$frozenset"]),
    "$int": lambda tree: int(tree["$int"], 16),
    "$namedtuple": _decode_namedtuple,
    "$object": _decode_object,
    "$path": lambda tree: _decode_path(tree, "$path", pathlib.Path),
    "$PurePosixPath": lambda tree: _decode_path(tree, "$PurePosixPath", pathlib.PurePosixPath),
    "$PureWindowsPath": lambda tree: _decode_path(tree, "$PureWindowsPath", pathlib.PureWindowsPath),
    "$set": lambda tree: {decode(item) for item in tree["$set"]},
    "$time": lambda tree: dt.time.fromisoformat(tree["$time"]).replace(**_zone_of(tree)),
    "$timedelta": lambda tree: dt.timedelta(*tree["$timedelta"]),
    "$uuid": lambda tree: uuid.UUID(tree["$uuid"]),
}


def canonical(tree: Any) -> bytes:
    """Return bytes that are equal for two JSON trees only when the trees are, and the order of their keys.

    Each node is a type letter, the length of its payload in decimal, a colon, and the payload.
    """
    kind = type(tree)
    if kind is str:
        payload = tree.encode("utf-8", "surrogatepass")
        return b"s%d:%b" % (len(payload), payload)
    if kind is list or kind is tuple:
        parts = []  # a comprehension would be another frame of Python for each level
        for item in tree:
            parts.append(canonical(item))
        payload = b"".join(parts)
        return b"l%d:%b" % (len(payload), payload)
    if tree is None:
        return b"n0:"
    if kind is bool:
        return b"b1:1" if tree else b"b1:0"
    if kind is int:
        payload = b"%d" % tree
        return b"i%d:%b" % (len(payload), payload)
    if kind is float:
        payload = repr(tree).encode()
        return b"f%d:%b" % (len(payload), payload)
    if kind is dict:
        parts = []
        for key, item in tree.items():
            parts += [canonical(key), canonical(item)]
        payload = b"".join(parts)
        return b"d%d:%b" % (len(payload), payload)
    msg = f"{tree!r} is no JSON value"
    raise EncodingError(msg)
