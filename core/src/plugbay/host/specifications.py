"""The hooks there are: every specification, where it stands, and who must implement it."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from attrs import frozen

from plugbay_hookspecs.catalogue import COMPONENT_TYPES, SHARED_SPECIFICATIONS
from plugbay_hookspecs.markers import PROJECT, is_required


@frozen(kw_only=True)
class Specification:
    """One hook."""

    name: str
    module: str
    arguments: tuple[str, ...]
    first_result: bool
    required: bool
    function: Callable[..., Any]

    @property
    def subject(self) -> str:
        """The last part of the module's name: a component type, or ``lifecycle``, ``run``, ..."""
        return self.module.rpartition(".")[2]


def specification_modules() -> list[ModuleType]:
    """The modules that hold specifications: the shared ones, then one for each component type."""
    names = (*SHARED_SPECIFICATIONS, *(kind.specification for kind in COMPONENT_TYPES.values()))
    return [importlib.import_module(name) for name in names]


@functools.cache
def specifications() -> Mapping[str, Specification]:
    """Every hook by its name."""
    found = {}
    for module in specification_modules():
        for name, function in vars(module).items():
            options = getattr(function, f"{PROJECT}_spec", None)
            if inspect.isfunction(function) and options is not None:
                found[name] = Specification(
                    name=name,
                    module=module.__name__,
                    arguments=function.__code__.co_varnames[: function.__code__.co_argcount],
                    first_result=options["firstresult"],
                    required=is_required(function),
                    function=function,
                )
    return found
