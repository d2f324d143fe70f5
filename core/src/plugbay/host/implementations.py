"""What a flavor implements, and what is wrong with it: found on the class, before anything of it is called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pluggy

from plugbay.errors import did_you_mean
from plugbay.host.specifications import specifications
from plugbay_hookspecs.markers import PROJECT


def hook_implementations(flavor: type) -> Mapping[str, Callable[..., Any]]:
    """The functions of the class that are marked as hook implementations, by the hook's name.

    Attributes are looked up statically: no property or other descriptor of the class is run.
    """
    found = {}
    for name in dir(flavor):
        function = inspect.getattr_static(flavor, name, None)
        function = getattr(function, "__func__", function)  # static and class methods
        options = getattr(function, f"{PROJECT}_impl", None) if inspect.isfunction(function) else None
        if isinstance(options, dict):
            found[options.get("specname") or name] = function
    return MappingProxyType(found)


def problems_of(flavor: type, component_type: str | None) -> list[str]:
    """Everything that is wrong with the class as a flavor of ``component_type`` (``None``: an observer)."""
    implemented = hook_implementations(flavor)
    problems = [problem for name, function in implemented.items() for problem in _problems_of_hook(name, function)]
    for specification in specifications().values():
        if specification.subject == component_type and specification.required and specification.name not in implemented:
            unmarked = inspect.isfunction(inspect.getattr_static(flavor, specification.name, None))
            reason = "the method of that name lacks @hookimpl" if unmarked else "every flavor of the type must implement it"
            problems.append(f"hook {specification.name!r} is missing: {reason}")
    if component_type is None and not implemented:
        problems.append("it implements no hook; mark its methods with @hookimpl")
    return problems


def _problems_of_hook(name: str, function: Callable[..., Any]) -> Iterator[str]:
    specification = specifications().get(name)
    if specification is None:
        yield f"there is no hook {name!r}{did_you_mean(name, specifications())}"
        return
    for argument in list(inspect.signature(function).parameters)[1:]:
        if argument not in specification.arguments:
            near = did_you_mean(argument, specification.arguments)
            takes = ", ".join(specification.arguments) or "none"
            yield f"hook {name!r} has no argument {argument!r}{near} (it has: {takes})"


class StackPluginManager(pluggy.PluginManager):
    """A plugin manager that leaves no part of a plugin behind when registering it fails, and runs no property."""

    def __init__(self) -> None:
        """Know all hook specifications and no plugin."""
        super().__init__(PROJECT)
        from plugbay.host.specifications import specification_modules

        for module in specification_modules():
            self.add_hookspecs(module)

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:
        """Look at functions of the plugin's class only; pluggy 1.6 would evaluate every property."""
        static = inspect.getattr_static(type(plugin), name, None)
        if not inspect.isfunction(getattr(static, "__func__", static)):
            return None
        return super().parse_hookimpl_opts(plugin, name)

    def register(self, plugin: object, name: str | None = None) -> str | None:
        """Register the plugin, or leave no trace of it: pluggy 1.6 keeps half of one that fails."""
        try:
            return super().register(plugin, name)
        except pluggy.PluginValidationError:
            if self.has_plugin(name or self.get_canonical_name(plugin)):
                self.unregister(plugin)
            raise
