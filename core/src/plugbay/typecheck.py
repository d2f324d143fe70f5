"""Whether a value is what an annotation says, and whether one annotation can take what another gives."""

from __future__ import annotations

import abc
import collections.abc
import types
import typing
from typing import Annotated, Any, Literal, TypeVar, Union

_NARROWER: dict[type, tuple[type, ...]] = {float: (int,), complex: (int, float)}
"""What fits besides the type itself, as PEP 484 has it."""
_ITERABLES = (list, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.abc.Collection)


def mismatch(value: object, hint: Any, where: str) -> str | None:
    """Return what is wrong with ``value`` where ``hint`` is expected, or ``None`` when it fits.

    Elements of lists, tuples, sets and dicts are looked at too. A hint that cannot be decided takes any value. An int
    fits where a float is expected, as PEP 484 has it.
    """
    if type(value) is hint:  # most values; a class without parameters says nothing of their elements
        return None
    hint = bare(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object or isinstance(hint, (TypeVar, str, typing.ForwardRef)):
        return None
    if hint is None or hint is type(None):
        return None if value is None else _wrong(value, "None", where)
    if origin in (Union, types.UnionType):
        problems = [mismatch(value, option, where) for option in arguments]
        return None if None in problems else _wrong(value, describe(hint), where)
    if origin is Literal:
        fits = any(type(value) is type(option) and value == option for option in arguments)
        return None if fits else f"{where}: expected one of {', '.join(map(repr, arguments))}, got {value!r:.80}"
    if isinstance(hint, typing.NewType):
        return mismatch(value, hint.__supertype__, where)
    if typing.is_typeddict(hint):
        return None if isinstance(value, dict) else _wrong(value, describe(hint), where)
    kind = origin or hint
    if not isinstance(kind, type):
        return None
    if type(value) in _NARROWER.get(kind, ()):
        return None
    if not _is_instance(value, kind) or (kind in (int, float) and isinstance(value, bool)):
        return _wrong(value, describe(hint), where)
    return _element_mismatch(value, kind, arguments, where)


def _element_mismatch(value: Any, kind: type, arguments: tuple[Any, ...], where: str) -> str | None:
    if not arguments:
        return None
    if kind is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        elif len(arguments) != len(value):
            return f"{where}: expected {len(arguments)} elements, got {len(value)}"
        pairs = zip(value, arguments, strict=True)
        return _first(mismatch(item, hint, f"{where}[{index}]") for index, (item, hint) in enumerate(pairs))
    if kind in _ITERABLES and isinstance(value, (list, tuple, set, frozenset)):
        return _first(mismatch(item, arguments[0], f"{where}[{index}]") for index, item in enumerate(value))
    if kind in (dict, collections.abc.Mapping, collections.abc.MutableMapping) and isinstance(value, dict):
        return _first(
            mismatch(key, arguments[0], f"key {key!r} of {where}") or mismatch(item, arguments[1], f"{where}[{key!r}]")
            for key, item in value.items()
        )
    return None


def _first(problems: collections.abc.Iterable[str | None]) -> str | None:
    return next((problem for problem in problems if problem is not None), None)


def _is_instance(value: object, kind: type) -> bool:
    try:
        return isinstance(value, kind)
    except TypeError:  # a protocol that is not runtime checkable
        return True


def _wrong(value: object, expected: str, where: str) -> str:
    shown = repr(value)
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    return f"{where}: expected {expected}, got {describe(type(value))} ({shown})"


def incompatible(given: Any, taken: Any) -> bool:
    """Tell whether a value annotated ``given`` certainly does not fit where ``taken`` is expected."""
    if given is taken:
        return False
    given, taken = bare(given), bare(taken)
    given_kind, taken_kind = typing.get_origin(given) or given, typing.get_origin(taken) or taken
    if taken_kind in (Union, types.UnionType):
        return all(incompatible(given, option) for option in typing.get_args(taken))
    if given_kind in (Union, types.UnionType):
        return all(incompatible(option, taken) for option in typing.get_args(given))
    given_kind = type(None) if given_kind is None else given_kind
    taken_kind = type(None) if taken_kind is None else taken_kind
    if not isinstance(given_kind, type) or not isinstance(taken_kind, type) or typing.is_typeddict(taken_kind):
        return False
    if Any in (given_kind, taken_kind):  # a class since Python 3.11
        return False
    if given_kind in _NARROWER.get(taken_kind, ()):
        return False
    if given_kind is bool and taken_kind in (int, float):
        return True
    if isinstance(given_kind, abc.ABCMeta) and isinstance(taken_kind, abc.ABCMeta):
        return False  # a class may be both
    try:
        if issubclass(given_kind, taken_kind) or issubclass(taken_kind, given_kind):
            inner = typing.get_args(given), typing.get_args(taken)
            return given_kind in (list, dict, set) and all(map(len, inner)) and any(map(incompatible, *inner))
    except TypeError:  # a protocol with members that are no methods
        return False
    return True


def bare(hint: Any) -> Any:
    """The hint without ``Annotated``."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint


def describe(hint: Any) -> str:
    """The hint as a person writes it."""
    hint = bare(hint)
    if isinstance(hint, type) and not typing.get_args(hint):
        return (
            hint.__qualname__
            if hint.__module__ in ("builtins", "__main__")
            else f"{hint.__module__}.{hint.__qualname__}"
        )
    return "None" if hint is None else str(hint).replace("typing.", "")
