"""What a flavor implements, and what is wrong with it: found on the class, before anything of it is called."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pluggy
from attrs import frozen

from plugbay.errors import did_you_mean
from plugbay.host.specifications import specifications
from plugbay_hookspecs.catalogue import SHARED_SPECIFICATIONS
from plugbay_hookspecs.markers import PROJECT


@frozen
class Implementation:
    """A method that implements a hook."""

    method: str
    """Its name, which may be another than the hook's."""
    function: Callable[..., Any]
    parameters: tuple[inspect.Parameter, ...]
    """Without ``self`` or ``cls``."""
    optional: bool
    """It may implement a hook that does not exist."""


def hook_implementations(flavor: type) -> Mapping[str, Implementation]:
    """The methods of the class that are marked as hook implementations, by the hook's name.

    Attributes are looked up statically: no property or other descriptor of the class is run.
    """
    return _found_on(flavor)


@functools.cache
def _found_on(flavor: type) -> Mapping[str, Implementation]:
    found = {}
    for name in dir(flavor):
        function = _method(flavor, name)
        options = getattr(function, f"{PROJECT}_impl", None)
        if function is not None and isinstance(options, dict):
            is_static = isinstance(_static(flavor, name), staticmethod)
            parameters = tuple(inspect.signature(function).parameters.values())
            found[options.get("specname") or name] = Implementation(
                method=name,
                function=function,
                parameters=parameters if is_static else parameters[1:],
                optional=bool(options.get("optionalhook")),
            )
    return MappingProxyType(found)


@functools.cache
def _methods(flavor: type) -> frozenset[str]:
    return frozenset(found.method for found in hook_implementations(flavor).values())


def _method(flavor: type, name: str) -> Callable[..., Any] | None:
    static = _static(flavor, name)
    function = static.__func__ if isinstance(static, (staticmethod, classmethod)) else static
    return function if inspect.isfunction(function) else None


def _static(flavor: type, name: str) -> object:
    """What the class or one it inherits from has by that name, as it stands there; ``inspect.getattr_static`` is slow."""
    return next((found for kind in flavor.__mro__ if (found := vars(kind).get(name)) is not None), None)


def problems_of(flavor: type, component_type: str | None) -> list[str]:
    """Everything that is wrong with the class as a flavor of ``component_type`` (``None``: an observer)."""
    return [*_problems_of(flavor, component_type)]


@functools.cache
def _problems_of(flavor: type, component_type: str | None) -> tuple[str, ...]:
    implemented = hook_implementations(flavor)
    problems = [problem for name, found in implemented.items() for problem in _problems_of_hook(name, found)]
    problems += _marked_without_effect(flavor)
    for name, specification in specifications().items():
        if name in implemented:
            continue
        if _is_marked(_static(flavor, name)):
            continue  # reported above
        if _method(flavor, name) is not None:
            problems.append(f"the method {name!r} lacks @hookimpl; a method that is no hook needs another name")
        elif specification.subject == component_type and specification.required:
            problems.append(f"hook {name!r} is missing: every flavor of the type must implement it")
    if inspect.getattr_static(flavor, "__eq__") is not object.__eq__:
        problems.append("it compares by value, and plugins are told apart by identity; make its class with @component")
    if component_type is None and not implemented and not problems:
        problems.append("it implements no hook; mark its methods with @hookimpl")
    return tuple(problems)


def _marked_without_effect(flavor: type) -> Iterator[str]:
    """Attributes that are marked as implementations and are no functions: pluggy passes them over in silence."""
    for name in dir(flavor):
        static = _static(flavor, name)
        if _method(flavor, name) is None and _is_marked(static):
            kind = type(static).__qualname__
            yield (
                f"hook {name!r} is a {kind}, and only a function is called as a hook; put @hookimpl on a method "
                "that calls it"
            )


def _is_marked(static: object) -> bool:
    """Whether ``@hookimpl`` was put on the attribute itself, or on the function that it wraps."""
    return isinstance(inspect.getattr_static(static, f"{PROJECT}_impl", None), dict)


def _problems_of_hook(name: str, found: Implementation) -> Iterator[str]:
    specification = specifications().get(name)
    if specification is None:
        if not found.optional:  # it may be a hook of a later release
            yield f"there is no hook {name!r}{did_you_mean(name, specifications())}"
        return
    if inspect.iscoroutinefunction(found.function):
        yield f"hook {name!r} is asynchronous, and hooks are called from synchronous code"
    takes = ", ".join(specification.arguments) or "none"
    for parameter in found.parameters:
        argument = parameter.name
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            yield f"hook {name!r} must take {argument!r} as an ordinary argument (it has: {takes})"
        elif argument in specification.arguments:
            if parameter.default is not parameter.empty:
                yield f"hook {name!r} has a default for {argument!r}; remove it: whether pluggy then gives the argument depends on its release"
        elif parameter.default is parameter.empty:
            near = did_you_mean(argument, specification.arguments)
            yield f"hook {name!r} has no argument {argument!r}{near} (it has: {takes})"


class StackPluginManager(pluggy.PluginManager):
    """A plugin manager that leaves no part of a plugin behind when registering it fails, and runs no property.

    It takes in the specifications of a component type when a plugin implements one of them: a stack has few of the types.
    """

    def __init__(self) -> None:
        """Know the hooks that any plugin may implement, and no plugin."""
        super().__init__(PROJECT)
        for module in SHARED_SPECIFICATIONS:
            self.add_hookspecs(importlib.import_module(module))

    def parse_hookspec_opts(self, module_or_class: object, name: str) -> Any:
        """Look the specification up; pluggy would look at every name in the module."""
        found = specifications().get(name)
        if found is None or found.module != getattr(module_or_class, "__name__", None):
            return None
        return getattr(found.function, f"{PROJECT}_spec")

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """Look at the implementations in the plugin's class only; pluggy would look at every attribute, and 1.6 evaluate it."""
        flavor: type = type(plugin)
        return super().parse_hookimpl_opts(plugin, name) if name in _methods(flavor) else None

    def _specify(self, plugin: object) -> None:
        for hook in hook_implementations(type(plugin)):
            specification = specifications().get(hook)
            if specification is not None and not hasattr(self.hook, hook):
                self.add_hookspecs(importlib.import_module(specification.module))

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register the plugin, or leave no trace of it: pluggy 1.6 keeps half of one that fails."""
        if self.is_registered(plugin):
            msg = "the same object is registered already"
            raise ValueError(msg)
        hooks = set(vars(self.hook))
        try:
            self._specify(plugin)
            return super().register(plugin, name)
        except Exception:
            left = self.get_name(plugin)
            if left is not None:
                self.unregister(plugin)
                self._name2plugin.pop(left, None)  # which pluggy 1.6 does not do for an object that is false
            for hook in set(vars(self.hook)) - hooks:
                delattr(self.hook, hook)
            raise
