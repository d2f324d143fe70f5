"""Looking at one installed plugin: importing it, and saying what is wrong with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import attrs
from attrs import frozen

from plugbay.cli.commands import COMMANDS
from plugbay.cli.wording import first_line
from plugbay.errors import PluginError, did_you_mean
from plugbay.host.compatibility import incompatibility
from plugbay.host.discovery import PluginIndex, Provider
from plugbay.host.implementations import hook_implementations, problems_of
from plugbay_hookspecs.catalogue import COMMAND_GROUP, COMPONENT_TYPES, OBSERVER_GROUP, SERIALIZER_GROUP

_OTHER_TYPES = {OBSERVER_GROUP: "observer", SERIALIZER_GROUP: "serializer", COMMAND_GROUP: "command"}
_NEEDED_HOOKS = {SERIALIZER_GROUP: "serializers", COMMAND_GROUP: "cli_commands"}


@frozen(kw_only=True)
class Inspected:
    """An installed plugin and what became of looking at it."""

    provider: Provider
    type: str
    status: str
    """``ok``, ``incompatible``, ``broken``, ``conflict`` or ``unused``."""
    reason: str | None = None
    summary: str = ""
    """The first line of its docstring."""


def inspected(provider: Provider, index: PluginIndex) -> Inspected:
    """Import the plugin, if it can be used at all, and tell what is wrong with it."""
    kind = type_of(provider.group)
    status, reason, summary = "ok", None, ""
    unused = _why_unused(provider)
    misfit = incompatibility(provider.requirements)
    if unused is not None:
        status, reason = "unused", unused
    elif misfit is not None:
        status, reason = "incompatible", f"it {misfit}; install a release of {provider.distribution} that fits"
    else:
        try:
            with _stdout_to_stderr():
                plugin = provider.load()
            problems = _problems(plugin, provider)
            summary = first_line(getattr(plugin, "__doc__", None))
        except PluginError as error:
            problems = [str(error)]
        if problems:
            status, reason = "broken", "; ".join(problems)
        else:
            others = [str(p) for p in index.providers[provider.group, provider.name] if p is not provider]
            if others:
                status, reason = "conflict", _conflict(provider, others)
    return Inspected(provider=provider, type=kind, status=status, reason=reason, summary=summary)


def type_of(group: str) -> str:
    """The component type of an entry point group, or ``observer``, ``serializer``, ``command``."""
    return _OTHER_TYPES.get(group) or group.removeprefix(f"{OBSERVER_GROUP}.")


def _why_unused(provider: Provider) -> str | None:
    kind = type_of(provider.group)
    if provider.group not in _OTHER_TYPES and kind not in COMPONENT_TYPES:
        return f"there is no component type {kind!r}{did_you_mean(kind, COMPONENT_TYPES)}"
    if provider.group == COMMAND_GROUP and provider.name in COMMANDS:
        return f"plugbay has a command {provider.name!r} of its own"
    return None


def _problems(plugin: Any, provider: Provider) -> list[str]:
    needed = _NEEDED_HOOKS.get(provider.group)
    flavor = plugin if isinstance(plugin, type) else type(plugin)
    if needed is not None:
        missing = needed not in hook_implementations(flavor)
        return [f"{provider.value} does not implement the hook {needed!r}"] if missing else []
    if not isinstance(plugin, type) or not attrs.has(plugin):
        return [f"{provider.value} must be a class with the decorator @component"]
    return problems_of(plugin, None if provider.group == OBSERVER_GROUP else type_of(provider.group))


def _conflict(provider: Provider, others: list[str]) -> str:
    also = f"{' and '.join(others)} {'offers' if len(others) == 1 else 'offer'} it too"
    if provider.group in _NEEDED_HOOKS:
        return f"{also}; uninstall all but one"
    return f"{also}; in the config write {provider.distribution}:{provider.name} to choose this one"


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """What a plugin prints while it is imported must not get into JSON."""
    stream = sys.stdout
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = stream
