"""From a configured stack to its components: finding each flavor and reading its settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from plugbay.code.target import load_module
from plugbay.config.layers import BUILT_IN_SOURCE
from plugbay.config.schema import ComponentConfig
from plugbay.config.settings import SettingsError, structure_settings
from plugbay.errors import ConfigError, PluginError, TargetError, did_you_mean, listed
from plugbay.host.discovery import PluginIndex, Provider, installed_plugins, normalised
from plugbay.host.host import Component
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, OBSERVER_GROUP
from plugbay_hookspecs.types import ComponentInfo

if TYPE_CHECKING:
    from plugbay.config.structuring import FetchSecret


_OWN = {"local": "plugbay-local", "progress": "plugbay-progress"}
"""Who offers the flavors of the built-in configuration."""


def select(configs: tuple[ComponentConfig, ...], fetch_secret: FetchSecret) -> list[Component]:
    """Make the components. Only the flavors that are named are imported.

    Raises :class:`ConfigError` with the problems of all of them.
    """
    problems: list[str] = []
    components = []
    for config in configs:
        try:
            components.append(_component(config, fetch_secret))
        except SettingsError as error:
            problems += error.problems
        except PluginError as error:
            problems.append(f"{config.place}: {error}")
    if problems:
        raise ConfigError(problems)
    return components


def group_of(kind: str) -> str:
    """The entry point group of a component type, or of observers."""
    return COMPONENT_TYPES[kind].entry_point_group if kind in COMPONENT_TYPES else OBSERVER_GROUP


def _component(config: ComponentConfig, fetch_secret: FetchSecret) -> Component:
    flavor, provider = load_flavor(config)
    info = ComponentInfo(
        type=config.type,
        name=config.name,
        flavor=config.flavor,
        distribution=provider.distribution if provider else None,
        version=provider.version if provider else None,
    )
    return Component(info, structure_settings(flavor, config, fetch_secret))


def load_flavor(config: ComponentConfig) -> tuple[type, Provider | None]:
    """Import the class of a configured flavor, with the distribution that provides it.

    A flavor is named by its entry point (``local``, ``acme-aws:s3``) or by the file it stands in
    (``./orchestrators.py:Sequential``), relative to the config file.
    """
    provider: Provider | None = None
    place, _, name = config.flavor.rpartition(":")
    if place.endswith(".py"):
        found = _from_file(config.directory or Path.cwd(), place, name)
    else:
        what = f"{config.type.replace('_', ' ')} flavor" if config.type != "observer" else "observer"
        provider = _require(installed_plugins(), config, what)
        found = provider.load()
    if not isinstance(found, type) or not attrs.has(found):
        origin = f"{provider}: {provider.value}" if provider else config.flavor
        msg = f"{config.flavor!r} is no flavor ({origin}): it must be a class with the decorator @component"
        raise PluginError(msg)
    return found, provider


def _require(index: PluginIndex, config: ComponentConfig, what: str) -> Provider:
    """Find the provider; where there is none, tell also of the same name under another type."""
    if config.source == BUILT_IN_SOURCE and config.flavor in _OWN:
        # Nobody has written the name, so nobody could write which of several distributions is meant.
        own = index.find(group_of(config.type), f"{_OWN[config.flavor]}:{config.flavor}")
        if own is not None:
            return own
    try:
        return index.require(group_of(config.type), config.flavor, what)
    except PluginError as error:
        elsewhere = [
            kind
            for kind in (*COMPONENT_TYPES, "observer")
            if kind != config.type and (group_of(kind), config.flavor) in index.providers
        ]
        distribution = config.flavor.rpartition(":")[0]
        known = {p.distribution for p in index.all()}
        if elsewhere:
            msg = f"{error}; {config.flavor!r} is a flavor of {listed(elsewhere)}"
            raise PluginError(msg) from None
        if distribution and normalised(distribution) not in {normalised(name) for name in known}:
            msg = f"{error}; no plugin distribution {distribution!r} is installed{did_you_mean(distribution, known)}"
            raise PluginError(msg) from None
        raise


def _from_file(directory: Path, place: str, name: str) -> Any:
    path = Path(place).expanduser()
    path = path if path.is_absolute() else directory / path
    try:
        module = load_module(str(path))
    except TargetError as error:
        raise PluginError(str(error)) from error
    classes = dict(inspect.getmembers(module, inspect.isclass))
    if name not in classes:
        msg = f"{path} has no class {name!r}{did_you_mean(name, classes)}"
        raise PluginError(msg)
    return classes[name]


class LateSecrets:
    """Looks secrets up for settings that are read before the secrets managers they will be asked of exist."""

    def __init__(self) -> None:
        """Know no place to ask yet."""
        self.ask: Callable[[str], str] | None = None

    def __call__(self, name: str) -> str:
        """Return the value of the secret ``name``."""
        if self.ask is None:
            msg = f"the secret {name!r} is used before the stack is built"
            raise PluginError(msg)
        return self.ask(name)
