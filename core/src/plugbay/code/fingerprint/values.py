"""Plain values and arrays: by content."""

from __future__ import annotations

import array
import datetime
import decimal
import hashlib
import pathlib
import sys
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint.description import ATOMS, Description, atom
from plugbay.values import EncodingError, canonical, encode

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_CHANGEABLE = frozenset({list, dict, set})
_SIMPLE = frozenset({type(None), bool, str})
_CANONICAL = frozenset(
    {
        *(datetime.datetime, datetime.date, datetime.time, datetime.timedelta),
        *(decimal.Decimal, uuid.UUID, type(pathlib.Path()), pathlib.PurePosixPath, pathlib.PureWindowsPath),
    }
)
_BUFFERS = frozenset({bytearray, memoryview, array.array})
_SMALL_INT = 1 << 62
_LARGE = 1 << 20


class _NotPlainError(Exception):
    """There is something in it that is not plain."""


def describe_container(walk: Walk, value: Any, found: Description) -> None:
    """Tell a list, tuple, dict, set or frozenset: as a whole where it is plain, else member by member."""
    inner: list[int] = []
    try:
        found.say("plain", _plain(value, inner))
        found.inner = inner
        return
    except (_NotPlainError, RecursionError, EncodingError):  # the last two: it is deep, or holds itself
        found.parts.clear()
    kind = type(value)
    found.say(kind.__name__, len(value))
    if kind is dict:
        for key, member in list(value.items()):
            found.refer(f"[{_shown(key)}]", key)
            found.refer(f"[{_shown(key)}]", member)
    elif kind is set or kind is frozenset:
        for member in sorted(value, key=walk.order):
            found.refer("[...]", member)
    else:
        for index, member in enumerate(value):
            found.refer(f"[{index}]", member)


def _plain(value: Any, inner: list[int]) -> Any:
    """The tree of a value made of nothing but plain constants; the order of a dict is part of it.

    :param inner: takes the ids of the lists, dicts and sets in it.
    """
    kind = type(value)
    if kind in _SIMPLE:
        return value
    if kind is list or kind is tuple:
        kinds = set(map(type, value))
        if kinds <= _SIMPLE or (kinds == {int} and min(value) > -_SMALL_INT and max(value) < _SMALL_INT):
            return [kind.__name__, list(value)]
        inner += [id(item) for item in value if type(item) in _CHANGEABLE]
        return [kind.__name__, "", *[_plain(item, inner) for item in value]]
    if kind is dict:
        inner += [id(item) for item in value.values() if type(item) in _CHANGEABLE]
        return ["dict", [[_plain(key, inner), _plain(item, inner)] for key, item in value.items()]]
    if kind is set or kind is frozenset:
        return [kind.__name__, sorted([_plain(item, inner) for item in value], key=canonical)]
    if kind in ATOMS:
        return ["=", atom(value)]
    if kind in _CANONICAL:
        try:
            return ["=", encode(value)]
        except EncodingError as error:
            raise _NotPlainError from error
    raise _NotPlainError


def _shown(key: Any) -> str:
    return repr(key)[:40] if type(key) in ATOMS else "..."


def describe_canonical(value: Any, found: Description) -> bool:
    """Tell a date, path, number or identifier by its canonical form."""
    if type(value) not in _CANONICAL:
        return False
    try:
        found.say("=", encode(value))
    except EncodingError:
        return False
    return True


def describe_buffer(value: Any, found: Description) -> bool:
    """Tell an array by its bytes, its shape and its format."""
    kind = type(value)
    if kind not in _BUFFERS and not _is_plain_array(kind):
        return False
    try:
        with memoryview(value) as view:
            if "O" in view.format or "{" in view.format:  # addresses of objects; records, which may have gaps
                return False
            flat = view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()
            found.say("buffer", f"{kind.__module__}.{kind.__qualname__}", view.format, list(view.shape or ()))
            found.say(hashlib.sha256(flat).hexdigest())
            found.size = view.nbytes
    except (TypeError, ValueError, BufferError):
        found.parts.clear()
        return False
    return True


def _is_plain_array(kind: type) -> bool:
    numpy = sys.modules.get("numpy")
    if numpy is None or kind.__module__.partition(".")[0] != "numpy":
        return False
    return kind is numpy.ndarray or issubclass(kind, numpy.generic)


CONTAINERS: dict[type, Callable[[Walk, Any, Description], None]] = dict.fromkeys(
    (list, tuple, dict, set, frozenset), describe_container
)
"""By exact type."""
