"""Whether a value is what an annotation says, and whether one annotation can take what another gives."""

from __future__ import annotations

import abc
import collections.abc
import types
import typing
from typing import Annotated, Any, Literal, TypeVar, Union

_NARROWER: dict[type, tuple[type, ...]] = {float: (int,), complex: (int, float)}
"""What fits besides the type itself, as PEP 484 has it."""
_AROUND = (Annotated, typing.Required, typing.NotRequired, typing.Final, typing.ClassVar)
_DEEPEST = 16
"""How far hints are followed into each other: an alias may be one of itself."""
_ITERABLES = (list, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.abc.Collection)


_SEQUENCES = (list, tuple, set, frozenset)


def mismatch(value: object, hint: Any, where: str) -> str | None:
    """Return what is wrong with ``value`` where ``hint`` is expected, or ``None`` when it fits.

    Elements of lists, tuples, sets and dicts are looked at too. A hint that cannot be decided takes any value. An int
    fits where a float is expected, as PEP 484 has it.
    """
    if type(value) is hint:  # most values; a class without parameters says nothing of their elements
        return None
    try:
        return _mismatch(value, hint, where)
    except RecursionError:  # an alias of itself, and a value that is nested as deeply or in itself
        return None


def _mismatch(value: object, hint: Any, where: str) -> str | None:
    if type(value) is hint:
        return None
    named, hint = hint, bare(hint)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or hint is object or isinstance(hint, (TypeVar, str, typing.ForwardRef)):
        return None
    if hint is None or hint is type(None):
        return None if value is None else _wrong(value, "None", where)
    if origin in (Union, types.UnionType):
        problems = [_mismatch(value, option, where) for option in arguments]
        return None if None in problems else _wrong(value, describe(named), where)
    if origin is Literal:
        fits = any(type(value) is type(option) and value == option for option in arguments)
        return None if fits else f"{where}: expected one of {', '.join(map(repr, arguments))}, got {value!r:.80}"
    if isinstance(hint, typing.NewType):
        return _mismatch(value, hint.__supertype__, where)
    if typing.is_typeddict(hint):
        return None if isinstance(value, dict) else _wrong(value, describe(named), where)
    if hint in (typing.Never, typing.NoReturn):
        return _wrong(value, "nothing", where)
    kind = origin or hint
    if not isinstance(kind, type):
        return None
    if type(value) in _NARROWER.get(kind, ()):
        return None
    if not _is_instance(value, kind) or (kind in (int, float) and isinstance(value, bool)):
        return _wrong(value, describe(named), where) + _remedy(value, kind)
    return _element_mismatch(value, kind, arguments, where)


def _remedy(value: Any, kind: type) -> str:
    """What to write, where a value is as good as one of the plain type: a library's scalar, another kind of sequence or set."""
    if kind in _SEQUENCES and type(value) in _SEQUENCES:
        return f"; write {kind.__name__}(...) around it, or declare {describe(type(value))}"
    if kind in (int, float, bool) and getattr(value, "ndim", None) == 0 and callable(getattr(value, "item", None)):
        return f"; write {kind.__name__}(...) around it, or declare {describe(type(value))}"
    return ""


def _element_mismatch(value: Any, kind: type, arguments: tuple[Any, ...], where: str) -> str | None:
    if not arguments:
        return None
    if kind is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            arguments = (arguments[0],) * len(value)
        elif len(arguments) != len(value):
            return f"{where}: expected {len(arguments)} elements, got {len(value)}"
        pairs = zip(value, arguments, strict=True)
        return _first(_mismatch(item, hint, f"{where}[{index}]") for index, (item, hint) in enumerate(pairs))
    if kind in _ITERABLES and isinstance(value, (list, tuple, set, frozenset)):
        return _first(_mismatch(item, arguments[0], f"{where}[{index}]") for index, item in enumerate(value))
    if kind in (dict, collections.abc.Mapping, collections.abc.MutableMapping) and isinstance(value, dict):
        return _first(
            _mismatch(key, arguments[0], f"key {key!r} of {where}")
            or _mismatch(item, arguments[1], f"{where}[{key!r}]")
            for key, item in value.items()
        )
    return None


def _first(problems: collections.abc.Iterable[str | None]) -> str | None:
    return next((problem for problem in problems if problem is not None), None)


def _is_instance(value: object, kind: type) -> bool:
    try:
        return isinstance(value, kind) or _of_another_generation(type(value), kind)
    except TypeError:  # a protocol that is not runtime checkable
        return True


def _of_another_generation(given: type, taken: type) -> bool:
    """Whether a class is one that was defined again: a cell was run once more, or its module was imported once more."""
    names = (taken.__module__, taken.__qualname__)
    return "<" not in taken.__qualname__ and any((c.__module__, c.__qualname__) == names for c in given.__mro__)


def _wrong(value: object, expected: str, where: str) -> str:
    try:
        shown = repr(value)
    except RecursionError:
        shown = "nested too deeply to be shown"
    shown = shown if len(shown) <= 80 else shown[:77] + "..."
    got = describe(type(value))
    again = ", which is another class of that name" if got == expected else ""
    return f"{where}: expected {expected}, got {got}{again} ({shown})"


def incompatible(given: Any, taken: Any) -> bool:
    """Tell whether a value annotated ``given`` certainly does not fit where ``taken`` is expected."""
    return _incompatible(given, taken, 0)


def _incompatible(given: Any, taken: Any, depth: int) -> bool:
    if given is taken or depth > _DEEPEST:
        return False
    given, taken = bare(given), bare(taken)
    given_kind, taken_kind = typing.get_origin(given) or given, typing.get_origin(taken) or taken
    if taken_kind in (Union, types.UnionType):
        return all(_incompatible(given, option, depth + 1) for option in typing.get_args(taken))
    if given_kind in (Union, types.UnionType):
        return all(_incompatible(option, taken, depth + 1) for option in typing.get_args(given))
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
            looked_into = given_kind in (list, dict, set) and all(map(len, inner))
            return looked_into and any(_incompatible(one, other, depth + 1) for one, other in zip(*inner, strict=False))
    except TypeError:  # a protocol with members that are no methods
        return False
    return not _of_another_generation(given_kind, taken_kind) and not _of_another_generation(taken_kind, given_kind)


def bare(hint: Any) -> Any:
    """What a hint comes to: without ``Annotated`` and the like around it, and for an alias what it stands for."""
    for _ in range(_DEEPEST):
        inner = unaliased(hint)
        if typing.get_origin(inner) in _AROUND:
            inner = typing.get_args(inner)[0]
        elif inner is typing.LiteralString:
            return str
        elif inner is hint:
            return hint
        hint = inner
    return Any  # an alias of itself


def unaliased(hint: Any) -> Any:
    """What an alias made by a ``type`` statement stands for, with its parameters filled in; any other hint as it is."""
    for _ in range(_DEEPEST):
        alias = typing.get_origin(hint) or hint
        if type(alias).__name__ != "TypeAliasType":  # of typing since 3.12, or of typing_extensions
            return hint
        try:
            value = alias.__value__
        except Exception:  # noqa: BLE001  it may name what is imported for type checkers only
            return Any
        hint = _filled_in(value, alias.__type_params__, typing.get_args(hint))
    return Any


def _filled_in(value: Any, parameters: tuple[Any, ...], arguments: tuple[Any, ...]) -> Any:
    if value in parameters:
        index = parameters.index(value)
        return arguments[index] if index < len(arguments) else _default(value)
    used = getattr(value, "__parameters__", ())
    if not used or isinstance(value, type):
        return value
    if len(arguments) > len(parameters) or not all(isinstance(parameter, TypeVar) for parameter in parameters):
        return Any  # of a number of types that is left open
    filled = [*arguments, *map(_default, parameters[len(arguments) :])]
    return value[tuple(filled[parameters.index(parameter)] for parameter in used)]


def _default(parameter: Any) -> Any:
    """The default of a type variable (PEP 696)."""
    found = getattr(parameter, "__default__", None)
    return Any if found is None or type(found).__name__ == "NoDefaultType" else found


def describe(hint: Any) -> str:
    """The hint as a person writes it."""
    if typing.get_origin(hint) in _AROUND:
        hint = typing.get_args(hint)[0]
    if isinstance(hint, type) and not typing.get_args(hint):
        return (
            hint.__qualname__
            if hint.__module__ in ("builtins", "__main__")
            else f"{hint.__module__}.{hint.__qualname__}"
        )
    return "None" if hint is None else str(hint).replace("typing.", "")
