"""List every installed plugin, whether it can be used and whether it is."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from plugbay.cli.docstrings import wrapped
from plugbay.cli.parsing import add_json
from plugbay.cli.terminal import room, say, say_json, stdout_style
from plugbay.cli.wording import printable

if TYPE_CHECKING:
    from plugbay.cli.installed import Inspected
    from plugbay.config.schema import StackConfig
    from plugbay.host.discovery import PluginIndex, Provider

_HEADS = ("NAME", "TYPE", "DISTRIBUTION", "STATUS", "IN USE")
_WIDEST = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.cli.installed import inspected
    from plugbay.host.discovery import installed_plugins

    index = installed_plugins()
    stack, problem = _active_stack()
    uses = _uses(stack, index) if stack is not None else {}
    found = [(inspected(provider, index), uses.get(provider, ())) for provider in index.all()]
    if arguments.json:
        say_json([*(_tree(one, used) for one, used in found), *_unreadable_trees(index)])
        return 0
    _say_plugins(found)
    style = stdout_style()
    for unreadable in index.unreadable:
        say(f"{unreadable.distribution}  {style.status('broken', 'unreadable')}")
        say(wrapped(printable(str(unreadable)), room(), "  ", "    "))
    if stack is not None:
        say(style.dim(wrapped(f"in use: by the active stack, {printable(stack.name)}", room())))
    else:
        say(wrapped(f"in use: cannot be told, because the configuration is wrong: {printable(problem)}", room()))
    return 0


def _active_stack() -> tuple[StackConfig | None, str]:
    """The configured stack; or, where the configuration is wrong, what is wrong: plugins are listed all the same."""
    from plugbay.config.schema import load_config
    from plugbay.errors import PlugbayError

    try:
        return load_config().stack_config(None), ""
    except PlugbayError as error:
        return None, str(error)


def _uses(stack: StackConfig, index: PluginIndex) -> dict[Provider, tuple[str, ...]]:
    """The components of the stack, by the provider of their flavor."""
    from plugbay.errors import PluginError
    from plugbay.stack.selection import group_of

    found: dict[Provider, tuple[str, ...]] = {}
    for config in stack.components:
        try:
            provider = index.find(group_of(config.type), config.flavor)
        except PluginError:  # several offer it: each is listed as a conflict
            continue
        if provider is not None:
            name = config.type if config.name == config.type else f"{config.type}.{config.name}"
            found[provider] = (*found.get(provider, ()), name)
    return found


def _tree(one: Inspected, used: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": one.provider.name,
        "type": one.type,
        "group": one.provider.group,
        "distribution": one.provider.distribution,
        "version": one.provider.version,
        "value": one.provider.value,
        "status": one.status,
        "reason": one.reason,
        "used_as": list(used),
    }


def _unreadable_trees(index: PluginIndex) -> list[dict[str, Any]]:
    """A distribution whose metadata cannot be read, as a plugin of which nothing is known."""
    nothing = dict.fromkeys(("name", "type", "group", "version", "value"))
    return [
        {**nothing, "distribution": one.distribution, "status": "unreadable", "reason": str(one), "used_as": []}
        for one in index.unreadable
    ]


def _in_use(one: Inspected, used: tuple[str, ...]) -> str:
    """``yes``, or the names of the components where the stack calls them otherwise."""
    names = [component.partition(".")[2] or one.provider.name for component in used]
    return "yes" if names == [one.provider.name] else ", ".join(names)


def _say_plugins(found: list[tuple[Inspected, tuple[str, ...]]]) -> None:
    if not found:
        say("no plugins are installed; pip install plugbay-local brings the first")
        return
    style = stdout_style()
    rows = [
        tuple(map(printable, (one.provider.name, one.type, str(one.provider), one.status, _in_use(one, used))))
        for one, used in found
    ]
    widths = [min(_WIDEST, max(len(head), *(len(row[i]) for row in rows))) for i, head in enumerate(_HEADS)]
    fits = sum(widths) + 2 * (len(widths) - 1) <= room()
    if fits:
        say(style.dim("  ".join(f"{head:<{width}}" for head, width in zip(_HEADS, widths, strict=True)).rstrip()))
    for (one, _), row in zip(found, rows, strict=True):
        name, kind, origin, status, used = row
        coloured = style.status("broken" if status == "conflict" else status, status)
        if fits:
            cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row[:3], widths[:3], strict=True))
            say(f"{cells}  {coloured}{' ' * (widths[3] - len(status))}  {used}".rstrip())
        else:
            say(f"{style.bold(name)}  {coloured}")
            say(wrapped(f"{kind} of {origin}{f', in use: {used}' if used else ''}", room(), "  "))
        if one.reason is not None:
            say(wrapped(printable(one.reason), room(), "  ", "    "))
