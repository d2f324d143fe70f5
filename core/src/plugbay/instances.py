"""What an instance is made of: all that it stores under a name, wherever its classes keep it."""

from __future__ import annotations

import functools
import types
from typing import Any

HASH_OF_ATTRS = "_attrs_cached_hash"
"""Where attrs remembers the hash of an instance; another process computes another one."""


def attributes_of(value: object) -> dict[str, Any]:
    """Everything that is stored in an instance by its name: in its ``__dict__``, and in the slots of each of its classes.

    A slot that a class hides behind one of the same name has the name of its class before its own.
    """
    kind: type = type(value)
    found = dict(getattr(value, "__dict__", ()))
    for name, slot in _slots(kind):
        try:
            stored = slot.__get__(value, kind)
        except AttributeError:
            continue
        found[name if name not in found else f"{slot.__objclass__.__qualname__}.{name}"] = stored
    return found


@functools.lru_cache(512)
def _slots(kind: type) -> tuple[tuple[str, types.MemberDescriptorType], ...]:
    """The slots of a class and the classes it is derived from; what attrs adds of its own, for cached properties, is left out."""
    return tuple(
        (name, member)
        for base in kind.__mro__
        for name, member in vars(base).items()
        if isinstance(member, types.MemberDescriptorType) and not _is_derived(base, name)
    )


def _is_derived(base: type, name: str) -> bool:
    fields = vars(base).get("__attrs_attrs__")
    return fields is not None and name != HASH_OF_ATTRS and name not in {field.name for field in fields}


def has_its_own_constructor(kind: type, plain: type) -> bool:
    """Whether a class derived from ``plain`` is made otherwise than that one."""
    return kind.__new__ is not plain.__new__ or kind.__init__ is not plain.__init__  # type: ignore[misc]
