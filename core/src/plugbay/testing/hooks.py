"""Call the hooks of one component as a host does, without a stack around it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from plugbay.host.host import Host
from plugbay.host.implementations import StackPluginManager
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.stack.given import component_of
from plugbay.stack.own_store import OwnStore, own_prefix
from plugbay_hookspecs.catalogue import COMPONENT_TYPES
from plugbay_hookspecs.types import ComponentInfo


def hooks_of(component: object, component_type: str) -> Any:
    """The hooks of the type and of every component's life, to be called with all arguments by name.

    A hook that the component does not implement answers ``None``.
    """
    manager = StackPluginManager()
    manager.add_hookspecs(import_module(COMPONENT_TYPES[component_type].specification))
    manager.register(component, name="component")
    return manager.hook


def own_store_in(artifact_store: object, component_type: str) -> OwnStore:
    """What a stack with the artifact store gives to a component of the type when it starts it."""
    store = component_of(artifact_store, "artifact_store", "artifact_store")
    host = Host([store])
    owner = ComponentInfo(type=component_type, name=component_type, flavor="tested", distribution=None, version=None)
    return OwnStore(ArtifactStore(host, store), own_prefix(owner))
