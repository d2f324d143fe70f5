"""Digests that plugins take of the values of a library."""

from __future__ import annotations

import hashlib
import sys
import types
from collections.abc import Mapping
from typing import Any

from plugbay.code.fingerprint.description import Description, type_name
from plugbay.code.fingerprint.states import tell_names
from plugbay.host.discovery import installed_plugins
from plugbay.host.implementations import StackPluginManager
from plugbay_hookspecs.catalogue import SERIALIZER_GROUP


class Digests:
    """Asks the plugin for the module of a value's class; it is loaded when it is first asked."""

    def __init__(self) -> None:
        """Begin with no plugin loaded."""
        self._manager = StackPluginManager()
        self._plugins: dict[str, Any] = {}

    def tell(self, value: Any, found: Description) -> bool:
        """Tell a value by what a plugin says of it: a digest, or what it is made of; say whether there is one."""
        for module in _modules_of(value):
            plugin = self._plugin(module)
            if plugin is None:
                continue
            call = self._manager.subset_hook_caller(
                "fingerprint_of", [other for other in self._manager.get_plugins() if other is not plugin]
            )
            try:
                told = call(value=value)
            except Exception as error:  # noqa: BLE001  a plugin that fails does not know the value
                found.refuse(value, f"{type(error).__name__}: {' '.join(str(error).split())}")
                return True
            if told is not None:
                _tell(value, told, module, found)
                return True
        return False

    def _plugin(self, module: str) -> Any:
        if module not in self._plugins:
            provider = installed_plugins().find(SERIALIZER_GROUP, module)
            plugin = None
            if provider is not None:
                plugin = provider.load()
                plugin = plugin() if isinstance(plugin, type) else plugin
                self._manager.register(plugin, f"digest:{module}")
            self._plugins[module] = plugin
        return self._plugins[module]


DIGESTS = Digests()
"""Of this process."""


def _tell(value: Any, told: Any, module: str, found: Description) -> None:
    if isinstance(told, bytes):
        found.say("digest", module, hashlib.sha256(told).hexdigest())
        found.size = _size_of(value)
    elif isinstance(told, Mapping) and all(isinstance(name, str) for name in told):
        found.say("made of", module)
        found.kept = parts = dict(told)
        tell_names(value, parts, found)
    else:
        found.refuse(
            value, f"the plugin for {module} gave a {type_name(type(told))} for it, and not bytes or a mapping by name"
        )
        return
    if not isinstance(value, types.FunctionType):
        found.refer(".__class__", type(value))


def _size_of(value: Any) -> int:
    try:
        size = value.nbytes
    except Exception:  # noqa: BLE001  attributes of others' objects may do anything
        return 0
    return size if isinstance(size, int) else 0


def _modules_of(value: Any) -> list[str]:
    if isinstance(value, types.FunctionType):
        names = [str(value.__globals__.get("__name__"))]
    else:
        names = [str(base.__module__) for base in type(value).__mro__]
    modules = dict.fromkeys(name.partition(".")[0] for name in names)
    return [module for module in modules if module not in sys.stdlib_module_names]
