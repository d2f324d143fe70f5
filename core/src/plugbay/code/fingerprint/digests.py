"""Digests that plugins take of the values of a library."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

from plugbay.code.fingerprint.description import Description
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
        """Tell a value by the digest that a plugin takes of it; say whether there is one."""
        for module in _modules_of(type(value)):
            plugin = self._plugin(module)
            if plugin is None:
                continue
            call = self._manager.subset_hook_caller(
                "fingerprint_of", [other for other in self._manager.get_plugins() if other is not plugin]
            )
            try:
                digest = call(value=value)
            except Exception as error:  # noqa: BLE001  a plugin that fails does not know the value
                found.refuse(value, f"{type(error).__name__}: {error}")
                return True
            if digest is not None:
                found.say("digest", module, hashlib.sha256(digest).hexdigest())
                found.refer(".__class__", type(value))
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


def _modules_of(kind: type) -> list[str]:
    modules = dict.fromkeys(str(base.__module__).partition(".")[0] for base in kind.__mro__)
    return [module for module in modules if module not in sys.stdlib_module_names]
