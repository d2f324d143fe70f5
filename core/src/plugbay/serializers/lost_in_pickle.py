"""What pickle does not give back: it calls a class again as it thinks fit, and takes what its ``__reduce__`` says.

Told while the value is saved, because the next step can do nothing about it any more.
"""

from __future__ import annotations

import datetime as dt
import decimal
import io
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from plugbay.errors import SerializationError, StoreError
from plugbay.instances import HASH_OF_ATTRS, attributes_of
from plugbay.serializers.builtin import PICKLE

_GENERATED = ("attr._make", "dataclasses")
"""Where those functions come from that take the fields of an instance for all that there is."""
_SCALARS: tuple[tuple[type, Any], ...] = (
    (str, str.__str__),
    (int, int.__index__),
    (float, float.__repr__),
    (bytes, bytes.hex),
    (complex, complex.__repr__),
    (decimal.Decimal, decimal.Decimal.__str__),
    (dt.datetime, dt.datetime.isoformat),
    (dt.date, dt.date.isoformat),
)


@contextmanager
def explained(reason: str | None) -> Iterator[None]:
    """Say that pickle cannot take a value either, and why.

    :param reason: why it is to be pickled.
    """
    try:
        yield
    except StoreError:
        raise
    except SerializationError as error:
        if reason is None:
            raise
        msg = f"{reason}; and {error}"
        raise SerializationError(msg) from error
    except Exception as error:
        because = f"{reason}; and it" if reason else "the value"
        if isinstance(error, RecursionError):
            msg = f"{because} is nested too deeply to be pickled; return it in a flatter form"
        else:
            msg = f"{because} cannot be pickled ({type(error).__name__}: {error}); return what it is made of as plain values"
        raise SerializationError(msg) from error


def refuse_changed(value: Any, content: bytes) -> None:
    """Raise :class:`SerializationError` when a pickle does not give the value back, as far as that can be told.

    Looked at are classes, texts, numbers and moments, also in collections, and what instances store unless their class says what of
    that is pickled.
    """
    try:
        loaded = PICKLE.load(io.BytesIO(content))
    except Exception as error:
        msg = (
            f"a {_name(value)} can be pickled but not be read back ({type(error).__name__}: {error}); "
            "give its class a __reduce__, or return what it is made of as plain values"
        )
        raise SerializationError(msg) from error
    lost = _lost(value, loaded)
    if lost is not None:
        msg = f"pickle would change the value: {lost}; give the class a __reduce__, or return what it is made of as plain values"
        raise SerializationError(msg)


def _lost(value: Any, loaded: Any) -> str | None:
    """What is not the same any more."""
    ahead: list[tuple[str, Any, Any]] = [("value", value, loaded)]
    seen: set[int] = set()
    while ahead:
        where, one, other = ahead.pop()
        if one is other or id(one) in seen:
            continue
        seen.add(id(one))
        if type(one) is not type(other) and type(other) in type(one).__mro__:
            return f"{where}, a {_name(one)}, would come back as a plain {_name(other)}"
        if type(one).__qualname__ != type(other).__qualname__:
            continue  # on purpose: a proxy, say
        if _form(one) != _form(other):
            return f"{where}, the {_name(one)} {one!r:.80}, would come back as {other!r:.80}"
        mine, theirs = _parts(one), _parts(other)
        if len(mine) != len(theirs):
            return f"{where}, a {_name(one)}, would come back with {len(theirs)} of its {len(mine)} elements"
        ahead += [(f"{where}{name}", part, found) for (name, part), (_, found) in zip(mine, theirs, strict=True)]
        if _is_kept_by_name(type(one)):
            held, found = attributes_of(one), attributes_of(other)
            gone = held.keys() - found.keys() - {HASH_OF_ATTRS}
            if gone:
                return f"{where}, a {_name(one)}, would come back without its {min(gone)!r}"
            ahead += [(f"{where}.{name}", part, found[name]) for name, part in held.items() if name in found]
    return None


def _is_kept_by_name(kind: type) -> bool:
    """Whether pickle takes what an instance stores, and the class does not say otherwise."""
    get_state: Any = getattr(kind, "__getstate__", None)
    return get_state is getattr(object, "__getstate__", None) or getattr(get_state, "__module__", None) in _GENERATED


def _form(value: Any) -> Any:
    """What tells a text, a number or a moment from others of its class; of a set, what tells those in it."""
    if isinstance(value, (set, frozenset)):
        return Counter(f"{_name(item)} {_form(item)!r} {sorted(attributes_of(item))}" for item in value)
    for kind, form in _SCALARS:
        if isinstance(value, kind):
            return form(value)
    return None


def _parts(value: Any) -> list[tuple[str, Any]]:
    """What a list, tuple or dict contains, or an exception is made from, each with its place."""
    if isinstance(value, dict):
        pairs = OrderedDict.items(value) if isinstance(value, OrderedDict) else dict.items(value)
        return [part for key, item in pairs for part in ((f"'s key {key!r:.80}", key), (f"[{key!r:.80}]", item))]
    if isinstance(value, BaseException):
        value = value.args
    for kind in (list, tuple, deque):
        if isinstance(value, kind):
            items: Any = kind.__iter__
            return [(f"[{index}]", item) for index, item in enumerate(items(value))]
    return []


def _name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
