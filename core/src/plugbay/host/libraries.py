"""Plugins that know a library's types, found by the library's name and loaded when they are first asked."""

from __future__ import annotations

from typing import Any

from plugbay.host.discovery import installed_plugins
from plugbay.host.implementations import StackPluginManager
from plugbay_hookspecs.catalogue import SERIALIZER_GROUP


class Libraries:
    """Asks the plugin for a module one of its hooks about a value."""

    def __init__(self) -> None:
        """Begin with no plugin loaded."""
        self._manager = StackPluginManager()
        self._plugins: dict[str, Any] = {}

    def implements(self, module: str, hook: str) -> bool:
        """Whether there is a plugin for a top-level module, and it has the hook."""
        return hasattr(self._plugin(module), hook)

    def ask(self, module: str, hook: str, value: Any) -> Any:
        """What the plugin says of the value; ``None`` when there is no plugin for the module. Raises what it raises."""
        plugin = self._plugin(module)
        if plugin is None:
            return None
        call = self._manager.subset_hook_caller(
            hook, [other for other in self._manager.get_plugins() if other is not plugin]
        )
        return call(value=value)

    def _plugin(self, module: str) -> Any:
        if module not in self._plugins:
            provider = installed_plugins().find(SERIALIZER_GROUP, module)
            plugin = None
            if provider is not None:
                plugin = provider.load()
                plugin = plugin() if isinstance(plugin, type) else plugin
                self._manager.register(plugin, f"library:{module}")
            self._plugins[module] = plugin
        return self._plugins[module]


LIBRARIES = Libraries()
"""Of this process."""


def libraries_of(kind: type) -> list[str]:
    """The top-level modules of a class and of those that it inherits from."""
    modules = dict.fromkeys(str(base.__module__).partition(".")[0] for base in kind.__mro__)
    modules.pop("builtins", None)
    return list(modules)
