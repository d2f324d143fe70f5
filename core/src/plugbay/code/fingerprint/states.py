"""Objects with a state: the state is asked for as pickle and copy do, and walked like any other value."""

from __future__ import annotations

import copyreg
import itertools
import sys
import types
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint.classes import cached_names
from plugbay.code.fingerprint.description import ATOMS, Description

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_PROTOCOL = 4
_CONSUMED = (types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType)
_HELD = ("__wrapped__", "func", "__func__")
_OF_EXCEPTIONS = ("__cause__", "__context__", "__suppress_context__")
_PICKLES = (b"PLPYFN", b"PLPYUDF", b"\x80\x04\x95", b"\x80\x05\x95", b"\xcc\x80\x04\xcc\x95", b"\xcc\x80\x05\xcc\x95")
"""How a pickle of a function begins inside of a plan."""
_IDS = frozenset({"_stop_words_id"})
_KEPT_BY_LIBRARIES = {
    ("numpy", "vectorize"): frozenset({"_ufunc"}),
    ("pydantic", "Decorator"): frozenset({"cls_ref"}),
    ("pydantic", "TypeAdapter"): frozenset({"core_schema", "_parent_depth"}),
    ("pydantic", "FieldInfo"): frozenset({"_complete", "_original_assignment", "_original_annotation"}),
}
"""Attributes of libraries' objects that are caches, or that hold an address."""


def describe_state(walk: Walk, value: Any, found: Description) -> None:
    """Tell an object by its class and its state; one that gives none is unknown."""
    kind = type(value)
    if isinstance(value, _CONSUMED):
        found.refuse(value)
        return
    if isinstance(value, (set, frozenset)):  # which give their members in the order of their hashes
        _tell_set(walk, value, found)
        return
    reduced = _reduced(value)
    if isinstance(reduced, str):
        _tell_named(walk, value, reduced, found)
    elif reduced is not None and _is_opaque(kind, reduced):
        found.refuse(value, "it holds a Python function")
    elif reduced is not None:
        found.kept = reduced
        _tell_reduced(walk, value, reduced, found)
        if isinstance(value, BaseException):
            _tell_exception(value, found)
        _tell_held_function(walk, value, found)
    elif _is_python(kind):
        found.say("instance")
        found.refer(".__class__", kind)
        _tell_attributes(walk, value, found)
    else:
        found.refuse(value)


def _tell_exception(error: BaseException, found: Description) -> None:
    """Tell what the pickled form of an exception leaves out: where it comes from, and the fields of Python's own classes."""
    fields = {
        name
        for base in type(error).__mro__
        if base.__module__ == "builtins"
        for name, value in vars(base).items()
        if isinstance(value, types.MemberDescriptorType)
    }
    for name in (*_OF_EXCEPTIONS, *sorted(fields)):
        found.say(name)
        found.refer(f".{name}", getattr(error, name, None))


def _tell_set(walk: Walk, value: Any, found: Description) -> None:
    found.say("set", len(value))
    found.refer(".__class__", type(value))
    for member in sorted(value, key=walk.order):
        found.refer("[...]", member)
    _tell_attributes(walk, value, found)


def _tell_named(walk: Walk, value: Any, name: str, found: Description) -> None:
    """Tell an object that is pickled by its name, which has to lead to it."""
    kind = type(value)
    if walk.project.owns(kind.__module__):
        found.say("global", name)
        found.refer(".__class__", kind)
        _tell_attributes(walk, value, found)
        return
    for module in list(sys.modules):
        inner = getattr(sys.modules.get(module), "__dict__", {})
        if inner.get(name) is value and not walk.project.owns(module):
            found.say("global", kind.__module__, name)
            return
    found.refuse(value)


def _is_opaque(kind: type, reduced: tuple[Any, ...]) -> bool:
    """Whether a function is in a state as bytes, where its code does not show."""
    state = reduced[2] if len(reduced) > 2 else None
    texts = [part for part in (state, *reduced[1]) if isinstance(part, bytes)]
    return kind.__module__.partition(".")[0] == "polars" and any(mark in text for text in texts for mark in _PICKLES)


def _tell_held_function(walk: Walk, value: Any, found: Description) -> None:
    """Tell the function that a library's callable stands for: its pickle may just have the name."""
    if not callable(value) or walk.project.owns(type(value).__module__):
        return
    for name in _HELD:
        held = None
        with suppress(Exception):  # attributes of others' objects may do anything
            held = getattr(value, name, None)
        if isinstance(held, types.FunctionType):
            found.say("stands for", name)
            found.refer(f".{name}", held)


def _reduced(value: Any) -> Any:
    """What ``__reduce_ex__`` gives; ``None`` when it gives nothing."""
    reduce = copyreg.dispatch_table.get(type(value))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = reduce(value) if reduce is not None else value.__reduce_ex__(_PROTOCOL)
    except Exception:  # noqa: BLE001  an object that cannot be pickled may say so in any way
        return None
    if isinstance(found, str):
        return found
    is_whole = isinstance(found, tuple) and 2 <= len(found) <= 6 and isinstance(found[1], tuple)
    return found if is_whole else None


def _tell_reduced(walk: Walk, value: Any, reduced: tuple[Any, ...], found: Description) -> None:
    function, arguments, *rest = reduced
    state, items, pairs, setter = (*rest, None, None, None, None)[:4]
    if function is copyreg.__newobj__ or function is copyreg.__newobj_ex__:  # type: ignore[attr-defined]
        found.say("instance")
    else:
        found.say("made by")
        found.refer(".__reduce_ex__", function)
    found.refer(".__class__", type(value))
    for index, argument in enumerate(arguments):
        if argument is not type(value):
            found.say("argument")
            found.refer(f".__reduce_ex__[{index}]", argument)
    if state is not None:
        _tell_state(walk, value, state, found)
    if items is not None:
        found.say("items")
        for index, item in enumerate(items):
            found.refer(f"[{index}]", item)
    if pairs is not None:
        found.say("pairs")
        for key, item in pairs:
            label = f"[{key!r}]" if type(key) in ATOMS else "[...]"
            found.refer(label, key)
            found.refer(label, item)
    if setter is not None:
        found.refer(".__setstate__", setter)


def _tell_state(walk: Walk, value: Any, state: Any, found: Description) -> None:
    if type(state) is dict:
        tell_names(walk, value, state, found)
    elif type(state) is tuple and len(state) == 2 and all(part is None or type(part) is dict for part in state):
        for part in state:
            tell_names(walk, value, part or {}, found)
    else:
        found.say("state")
        found.refer("", state)


def tell_names(walk: Walk, value: Any, attributes: dict[Any, Any], found: Description) -> None:
    """Tell the attributes of an object, but for what it has worked out from them and keeps."""
    kind = type(value)
    skipped = (
        _IDS
        | cached_names(walk, kind)
        | _KEPT_BY_LIBRARIES.get((kind.__module__.partition(".")[0], kind.__name__), frozenset())
    )
    found.say("state", len(attributes.keys() - skipped))
    for name, attribute in sorted(attributes.items(), key=lambda item: str(item[0])):
        if name not in skipped:
            found.refer("", name)
            found.refer(f".{name}", attribute)


def _tell_attributes(walk: Walk, value: Any, found: Description) -> None:
    """Tell all that is in an object's ``__dict__`` and slots."""
    attributes = dict(getattr(value, "__dict__", None) or {})
    for name in copyreg._slotnames(type(value)):  # type: ignore[attr-defined]
        try:
            attributes[name] = getattr(value, name)
        except AttributeError:
            continue
    tell_names(walk, value, attributes, found)


def _is_python(kind: type) -> bool:
    """Whether all that instances of a class hold is in their ``__dict__`` and slots, and nothing in a structure of C."""
    slots = len(copyreg._slotnames(kind))  # type: ignore[attr-defined]
    slots += (kind.__dictoffset__ > 0) + (kind.__weakrefoffset__ > 0)
    return kind.__itemsize__ == 0 and kind.__basicsize__ <= object.__basicsize__ + slots * tuple.__itemsize__


def library_name(walk: Walk, value: Any) -> str | None:
    """The name under which the library of an object's class has this very object, such as ``numpy.add``."""
    module = type(value).__module__
    if module == "builtins" or not isinstance(module, str):
        return None
    parts = module.split(".")
    for name in itertools.accumulate(parts, "{}.{}".format):
        if name in sys.modules and not walk.project.owns(name):
            key = walk.globals_of(name).get(id(value))
            if key is not None and vars(sys.modules[name]).get(key) is value:
                return f"{name}.{key}"
    return None
