"""Classes of the project: their bases, their annotations, and whatever stands in their bodies."""

from __future__ import annotations

import abc
import enum
import functools
import sys
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint.description import Description
from plugbay.reference import reference_to

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_SKIPPED = frozenset(
    {
        *("__doc__", "__module__", "__dict__", "__weakref__", "__slotnames__", "__slots__", "__qualname__"),
        *("__firstlineno__", "__static_attributes__", "__annotations__", "__annotate__", "__annotate_func__"),
        *("__annotations_cache__", "__parameters__", "__abstractmethods__", "_abc_impl", "__classcell__"),
        *("__attrs_own_setattr__", "__attrs_props__", "__attrs_base_of_slotted__", "__subclasshook__"),
        *("__protocol_attrs__", "__non_callable_proto_members__", "__callable_proto_members_only__"),
    }
)
"""What says nothing of its own, or another thing in each process."""
_SKIPPED_OF_ENUMS = frozenset(
    {
        *("_member_map_", "_value2member_map_", "_member_names_", "_hashable_values_", "_unhashable_values_"),
        *("_unhashable_values_map_", "_flag_mask_", "_all_bits_", "_singles_mask_", "_inverted_", "_sort_order_"),
    }
)
"""What an enum keeps of its members, and adds to when it is used."""
_OF_MEMBERS = frozenset({"_value_", "_name_", "__objclass__", "_sort_order_", "_inverted_", "name", "value"})
_SKIPPED_OF_PYDANTIC = ("__pydantic_", "__signature__", "__private_attributes__", "__class_vars__")
_KEPT_OF_PYDANTIC = frozenset(
    {"__pydantic_fields__", "__pydantic_decorators__", "__pydantic_config__", "__private_attributes__"}
)


def is_of_project(walk: Walk, kind: type) -> bool:
    """Tell whether a class is the user's own."""
    module = kind.__module__
    if module == "builtins":
        made_by_exec = bool(kind.__flags__ & (1 << 9)) and not hasattr(sys.modules["builtins"], kind.__name__)
        return made_by_exec and "." not in kind.__qualname__
    return walk.project.owns(module)


def describe_class(walk: Walk, kind: type, found: Description) -> None:
    """Tell a class: one of the project by all it is made of, a library's by its name."""
    if not is_of_project(walk, kind):
        found.say("library class", str(kind.__module__), kind.__qualname__)
        if not _was_made_at_run_time(kind):
            _tell_virtual_subclasses(walk, kind, found)
            return
    found.say("class", reference_to(kind) or kind.__qualname__)  # its module shows in what is pickled, and in its type
    where = f"{kind.__module__}.{kind.__qualname__}"
    if type(kind) is not type:
        found.refer(f"{where}.__class__", type(kind))
    for index, base in enumerate(kind.__bases__):
        found.refer(f".__bases__[{index}]", base)
    own = vars(kind)
    _tell_virtual_subclasses(walk, kind, found)
    annotations = own.get("__annotations__")
    if annotations:
        found.say("annotations")
        found.refer(f"{where}.__annotations__", annotations)
    members = kind.__members__ if issubclass(kind, enum.Enum) else None
    if members is not None:
        for name, member in members.items():
            found.say("member", name)
            found.refer(f"{where}.{name}.value", member._value_)
            _tell_attributes_of_member(member, f"{where}.{name}", found)
    for name, value in sorted(own.items(), key=lambda item: str(item[0])):
        if name in _SKIPPED or (members is not None and _is_of_enum(members, name, value)):
            continue
        if name.startswith(_SKIPPED_OF_PYDANTIC) and name not in _KEPT_OF_PYDANTIC:
            continue
        found.say("name", name)
        found.refer(f"{where}.{name}", value)


def _was_made_at_run_time(kind: type) -> bool:
    """Whether a class that calls itself a library's was made for somebody, as ``make_dataclass`` does: no name leads to it."""
    if not any(type(value) is types.FunctionType for value in vars(kind).values()):
        return False
    found: Any = sys.modules.get(kind.__module__)
    for part in kind.__qualname__.split("."):
        found = getattr(found, "__dict__", {}).get(part)
    return found is None


def _tell_virtual_subclasses(walk: Walk, kind: type, found: Description) -> None:
    """Tell the classes of the project that were registered with an abstract class, for ``isinstance`` asks for them."""
    if not isinstance(kind, abc.ABCMeta) or "_abc_impl" not in vars(kind):
        return
    registered = [reference() for reference in abc._get_dump(kind)[0]]  # type: ignore[attr-defined]
    own = [each for each in registered if each is not None and is_of_project(walk, each)]
    for each in sorted(own, key=lambda each: (each.__qualname__, walk.order(each))):
        found.say("registered")
        found.refer(f"{kind.__qualname__}.register[{each.__qualname__}]", each)


def _is_of_enum(members: Mapping[str, enum.Enum], name: str, value: Any) -> bool:
    if name in ("__new__", "__new_member__"):
        return getattr(value, "__module__", "") == "enum"
    return name in members or name in _SKIPPED_OF_ENUMS


def describe_member(walk: Walk, member: enum.Enum, found: Description) -> None:
    """Tell a member of an enum."""
    found.say("member", member._name_)
    found.refer("._value_", member._value_)
    _tell_attributes_of_member(member, "", found)
    found.refer(".__class__", type(member))


def _tell_attributes_of_member(member: enum.Enum, where: str, found: Description) -> None:
    for name, value in sorted(vars(member).items()):
        if name not in _OF_MEMBERS:
            found.say("attribute", name)
            found.refer(f"{where}.{name}", value)


def cached_names(walk: Walk, kind: type) -> frozenset[str]:
    """The attributes that instances of a library's class work out when they are first asked for, and keep.

    Those of a class of the project may be made from what has changed since.
    """
    return frozenset(
        name
        for base in kind.__mro__
        for name, value in vars(base).items()
        if isinstance(value, functools.cached_property) and not walk.project.owns(base.__module__)
    )
