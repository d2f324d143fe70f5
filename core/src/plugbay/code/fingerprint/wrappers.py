"""Objects of the standard library that hold code, or stand for it: each is looked into."""

from __future__ import annotations

import functools
import gc
import operator
import sys
import types
import typing
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint.description import Description, type_name

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

Teller = Callable[["Walk", Any, Description], None]


def _tell_method(walk: Walk, method: types.MethodType, found: Description) -> None:
    if _is_global_of_library(walk, method.__self__, method.__name__, method):
        found.say("library", type_name(type(method.__self__)), method.__name__)
        return
    found.say("method")
    found.refer(".__func__", method.__func__)
    found.refer(".__self__", method.__self__)


def _tell_builtin(walk: Walk, function: types.BuiltinFunctionType, found: Description) -> None:
    owner = function.__self__
    found.say("builtin", function.__qualname__)
    if owner is None or isinstance(owner, types.ModuleType):
        found.say(str(function.__module__))
    elif not _is_global_of_library(walk, owner, function.__name__, function):
        found.refer(".__self__", owner)


def _is_global_of_library(walk: Walk, owner: Any, name: str, method: Any) -> bool:
    """Whether a method is one that its library gives as a function, such as ``random.shuffle``: its object is the library's."""
    module = sys.modules.get(type(owner).__module__)
    if module is None or isinstance(owner, type) or walk.project.owns(module.__name__):
        return False
    given = vars(module).get(name)
    return given is not None and type(given) is type(method) and given.__self__ is owner


def _tell_descriptor_of_c(_walk: Walk, descriptor: Any, found: Description) -> None:
    found.say(type(descriptor).__name__, descriptor.__objclass__.__qualname__, descriptor.__name__)


def _tell_bound_descriptor(_walk: Walk, method: Any, found: Description) -> None:
    found.say("bound", method.__name__)
    found.refer(".__self__", method.__self__)


def _tell_wrapped(_walk: Walk, wrapper: Any, found: Description) -> None:
    found.say(type(wrapper).__name__)
    found.refer(".__func__", wrapper.__func__)


def _tell_property(_walk: Walk, value: property, found: Description) -> None:
    found.say("property")
    for part in ("fget", "fset", "fdel"):
        found.refer(f".{part}", getattr(value, part))


def _tell_cached_property(_walk: Walk, value: Any, found: Description) -> None:
    found.say("cached property")
    found.refer(".func", value.func)


def _tell_partial(_walk: Walk, value: Any, found: Description) -> None:
    found.say("partial")
    found.refer(".__class__", type(value))
    found.refer(".func", value.func)
    found.refer(".args", value.args)
    found.refer(".keywords", value.keywords)
    for name, attribute in sorted(getattr(value, "__dict__", {}).items()):
        found.say("attribute", name)
        found.refer(f".{name}", attribute)


def _tell_remembering(_walk: Walk, value: Any, found: Description) -> None:
    found.say("remembering", str(value.cache_parameters()))
    found.refer(".__wrapped__", value.__wrapped__)


def _tell_code(_walk: Walk, code: types.CodeType, found: Description) -> None:
    from plugbay.code.bytecode import code_tree  # few objects are bare code

    found.say("code", code_tree(code))


def _tell_cell(_walk: Walk, cell: types.CellType, found: Description) -> None:
    found.say("cell")
    try:
        found.refer(".cell_contents", cell.cell_contents)
    except ValueError:
        return


def _tell_proxy(_walk: Walk, proxy: Any, found: Description) -> None:
    found.say("proxy")
    copied = dict(proxy)
    found.kept = copied
    for key, value in copied.items():
        found.refer(f"[{key!r}]", key)
        found.refer(f"[{key!r}]", value)


def _tell_type_variable(_walk: Walk, variable: Any, found: Description) -> None:
    found.say(type(variable).__name__, variable.__name__)
    for name in ("__bound__", "__constraints__", "__covariant__", "__contravariant__", "__default__"):
        found.refer(f".{name}", getattr(variable, name, None))


def _tell_named_type(_walk: Walk, alias: Any, found: Description) -> None:
    found.say(type(alias).__name__, alias.__name__)
    found.refer(".__value__", getattr(alias, "__supertype__", None) or getattr(alias, "__value__", None))


def _tell_forward_reference(_walk: Walk, reference: Any, found: Description) -> None:
    found.say("forward reference", str(reference.__forward_arg__))


def _tell_weak_reference(_walk: Walk, reference: Any, found: Description) -> None:
    found.say("weak reference")
    found.kept = target = reference()
    found.refer("", target)


def _tell_weak_proxy(_walk: Walk, proxy: Any, found: Description) -> None:
    found.say("weak proxy")
    try:
        found.refer("", proxy.__repr__.__self__)
    except ReferenceError:  # what it stood for is gone
        return


def _tell_view(_walk: Walk, view: Any, found: Description) -> None:
    found.say(type(view).__name__)
    found.kept = mapping = view.mapping
    found.refer("", mapping)


def _tell_sort_key(_walk: Walk, key: Any, found: Description) -> None:
    found.say("sort key")
    for function in gc.get_referents(key):  # it gives nothing but by the collector
        found.refer(".cmp", function)


def _tell_weak_set(walk: Walk, value: Any, found: Description) -> None:
    found.say("weak set")
    members = sorted(value, key=walk.order)
    found.kept = members
    for member in members:
        found.refer("[...]", member)


def _tell_weak_mapping(walk: Walk, value: Any, found: Description) -> None:
    found.say("weak mapping")
    items = sorted(value.items(), key=lambda item: (walk.order(item[0]), walk.order(item[1])))
    found.kept = items
    for key, member in items:
        found.refer("[...]", key)
        found.refer("[...]", member)


TELLERS: dict[type, Teller] = {
    types.MethodType: _tell_method,
    types.BuiltinFunctionType: _tell_builtin,
    types.WrapperDescriptorType: _tell_descriptor_of_c,
    types.MethodDescriptorType: _tell_descriptor_of_c,
    types.ClassMethodDescriptorType: _tell_descriptor_of_c,
    types.GetSetDescriptorType: _tell_descriptor_of_c,
    types.MemberDescriptorType: _tell_descriptor_of_c,
    types.MethodWrapperType: _tell_bound_descriptor,
    types.CodeType: _tell_code,
    types.CellType: _tell_cell,
    types.MappingProxyType: _tell_proxy,
    staticmethod: _tell_wrapped,
    classmethod: _tell_wrapped,
    typing.TypeVar: _tell_type_variable,
    typing.ParamSpec: _tell_type_variable,
    typing.TypeVarTuple: _tell_type_variable,
    typing.NewType: _tell_named_type,
    typing.ForwardRef: _tell_forward_reference,
    type({}.keys()): _tell_view,
    type({}.values()): _tell_view,
    type({}.items()): _tell_view,
    type(functools.cmp_to_key(operator.sub)): _tell_sort_key,
    weakref.ref: _tell_weak_reference,
    weakref.WeakMethod: _tell_weak_reference,
    weakref.ProxyType: _tell_weak_proxy,
    weakref.CallableProxyType: _tell_weak_proxy,
    weakref.WeakSet: _tell_weak_set,
    weakref.WeakKeyDictionary: _tell_weak_mapping,
    weakref.WeakValueDictionary: _tell_weak_mapping,
    type(functools.lru_cache(lambda: None)): _tell_remembering,
}
"""By exact type."""
if sys.version_info >= (3, 12):
    TELLERS[typing.TypeAliasType] = _tell_named_type

FAMILIES: tuple[tuple[type, Teller], ...] = (
    (functools.partial, _tell_partial),
    (property, _tell_property),
    (functools.cached_property, _tell_cached_property),
    (weakref.WeakSet, _tell_weak_set),
)
"""By class or subclass, in order."""
