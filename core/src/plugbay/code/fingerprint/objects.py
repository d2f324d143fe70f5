"""Which part of the walk knows an object that is neither a function nor a class: the first that does tells it."""

from __future__ import annotations

import enum
import sys
import types
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint import functions, wrappers
from plugbay.code.fingerprint.bystanders import describe_bystander
from plugbay.code.fingerprint.classes import describe_member
from plugbay.code.fingerprint.description import Description
from plugbay.code.fingerprint.states import describe_state, library_name
from plugbay.code.fingerprint.values import CONTAINERS, describe_buffer, describe_canonical

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk


def describe_object(walk: Walk, value: Any, found: Description) -> None:
    """Tell an object by its content, else by its state; else refuse it."""
    kind = type(value)
    teller = CONTAINERS.get(kind) or wrappers.TELLERS.get(kind)
    if teller is not None:
        teller(walk, value, found)
    elif kind is types.FunctionType:
        functions.describe_single_dispatch(value, found)
    elif isinstance(value, enum.Enum):
        describe_member(walk, value, found)
    elif describe_canonical(value, found) or describe_bystander(walk, value, found):
        return
    else:
        _describe_other(walk, value, found)


def _describe_other(walk: Walk, value: Any, found: Description) -> None:
    for family, teller in wrappers.FAMILIES:
        if isinstance(value, family):
            teller(walk, value, found)
            return
    name = library_name(walk, value) or _importable_name(walk, value)
    if name is not None:
        found.say("library", name)
    elif not (_describe_foreign(walk, value, found) or describe_buffer(value, found) or walk.digested(value, found)):
        describe_state(walk, value, found)


def _describe_foreign(walk: Walk, value: Any, found: Description) -> bool:
    if "_ctypes" not in sys.modules:
        return False
    from plugbay.code.fingerprint.foreign import describe_foreign  # few steps reach what is of C

    return describe_foreign(walk, value, found)


def _importable_name(walk: Walk, value: Any) -> str | None:
    """The name of a function or the like that a library wrote in another language than Python, and that is found under it."""
    try:
        module = value.__module__
        qualname = value.__qualname__ if hasattr(value, "__qualname__") else value.__name__
    except Exception:  # noqa: BLE001  attributes of others' objects may do anything
        return None
    if not isinstance(module, str) or not isinstance(qualname, str) or walk.project.owns(module):
        return None
    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    return f"{module}.{qualname}" if found is value and found is not None else None
