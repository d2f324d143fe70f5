"""Values of ctypes: by their fields, their bytes and what they point to, and never by an address."""

from __future__ import annotations

import _ctypes
import ctypes
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint.description import Description
from plugbay.code.fingerprint.states import tell_names

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_ADDRESSES = (ctypes.c_void_p,)
_OF_LIBRARIES = frozenset({"_name", "_handle", "_FuncPtr"})
_FIELD = type(type("_Probe", (ctypes.Structure,), {"_fields_": [("field", ctypes.c_int)]}).field)  # type: ignore[attr-defined]


def describe_foreign(walk: Walk, value: Any, found: Description) -> bool:
    """Tell a value of ctypes; say whether it is one."""
    if isinstance(value, ctypes.CDLL):
        found.say("shared library", str(value._name))
        tell_names(walk, value, {name: each for name, each in vars(value).items() if name not in _OF_LIBRARIES}, found)
    elif isinstance(value, _ctypes.CFuncPtr):
        _tell_function(value, found)
    elif isinstance(value, _FIELD):
        found.say("field", repr(value))
    elif isinstance(value, (ctypes.Structure, ctypes.Union, ctypes.Array, _ctypes._SimpleCData, _ctypes._Pointer)):
        found.refer(".__class__", type(value))
        _tell_data(value, found)
        if found.unknown is None and getattr(value, "__dict__", None):
            tell_names(walk, value, vars(value), found)
    else:
        return False
    return True


def _tell_function(function: Any, found: Description) -> None:
    """Tell a function of a shared library; one that calls Python does not tell what it calls."""
    library = (function._objects or {}).get("0")
    name = getattr(function, "__name__", None)
    if name is None or not isinstance(library, ctypes.CDLL):
        found.refuse(function, "it does not tell what it calls")
        return
    found.say("foreign function", str(library._name), str(name))
    for attribute in ("restype", "argtypes", "errcheck"):
        found.refer(f".{attribute}", getattr(function, attribute, None))


def _tell_data(value: Any, found: Description) -> None:
    kind = type(value)
    if isinstance(value, _ctypes._Pointer):
        pointer: Any = value
        _refer(found, ".contents", pointer.contents if pointer else None)
    elif isinstance(value, _ctypes._SimpleCData):
        if isinstance(value, _ADDRESSES):
            found.refuse(value, "it is an address")
        else:
            _refer(found, ".value", value.value)
    elif isinstance(value, ctypes.Structure):
        for base in reversed(kind.__mro__):
            for name, *_ in vars(base).get("_fields_", ()):
                _refer(found, f".{name}", getattr(value, name))
    elif not _holds_addresses(kind):
        found.say("bytes", bytes(memoryview(value).cast("B")).hex())
    elif isinstance(value, ctypes.Array):
        for index, member in enumerate(value):
            _refer(found, f"[{index}]", member)
    else:
        found.refuse(value, "a union may hold an address")


def _refer(found: Description, label: str, part: Any) -> None:
    """Refer to a part, which ctypes makes when it is asked for."""
    found.say(label)
    found.refer(label, part)
    found.kept = [each for _, each in found.children]


def _holds_addresses(kind: Any) -> bool:
    if issubclass(kind, ctypes.Array):
        return _holds_addresses(kind._type_)
    if issubclass(kind, (ctypes.Structure, ctypes.Union)):
        fields = [field for base in kind.__mro__ for field in vars(base).get("_fields_", ())]
        return any(_holds_addresses(field[1]) for field in fields)
    return not issubclass(kind, _ctypes._SimpleCData) or kind._type_ in "PzZO"
