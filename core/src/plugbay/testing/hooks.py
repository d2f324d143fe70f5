"""Call the hooks of one component as a host does, without a stack around it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pluggy

from plugbay_hookspecs.catalogue import COMPONENT_TYPES
from plugbay_hookspecs.markers import PROJECT


def hooks_of(component: object, component_type: str) -> Any:
    """The hooks of the type and of every component's life, to be called with all arguments by name.

    A hook that the component does not implement answers ``None``.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(import_module(COMPONENT_TYPES[component_type].specification))
    manager.add_hookspecs(import_module("plugbay_hookspecs.lifecycle"))
    manager.register(component, name="component")
    return manager.hook
