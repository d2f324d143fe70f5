"""List the installed flavors by component type, and the observers."""

from __future__ import annotations

import argparse

from plugbay.cli.parsing import add_json
from plugbay.cli.terminal import cut, room, say, say_json, stdout_style


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("type", nargs="?", metavar="TYPE", help="a component type, or: observer")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.cli.installed import inspected
    from plugbay.errors import PlugbayError, did_you_mean
    from plugbay.host.discovery import installed_plugins
    from plugbay.stack.selection import group_of
    from plugbay_hookspecs.catalogue import COMPONENT_TYPES

    kinds = [*COMPONENT_TYPES, "observer"]
    if arguments.type is not None and arguments.type not in kinds:
        near = did_you_mean(arguments.type, kinds)
        msg = f"there is no component type {arguments.type!r}{near} (there are: {', '.join(kinds)})"
        raise PlugbayError(msg)
    index = installed_plugins()
    wanted = {group_of(kind) for kind in ([arguments.type] if arguments.type else kinds)}
    found = [inspected(provider, index) for provider in index.all() if provider.group in wanted]
    if arguments.json:
        say_json(
            [
                {
                    "type": one.type,
                    "flavor": one.provider.name,
                    "distribution": one.provider.distribution,
                    "version": one.provider.version,
                    "summary": one.summary,
                    "status": one.status,
                    "reason": one.reason,
                }
                for one in found
            ]
        )
        return 0
    style = stdout_style()
    name_width = max((len(one.provider.name) for one in found), default=0)
    origin_width = max((len(str(one.provider)) for one in found), default=0)
    for kind in kinds if arguments.type is None else [arguments.type]:
        of_kind = [one for one in found if one.type == kind]
        if not of_kind and arguments.type is None:
            continue
        say(style.bold(kind))
        for one in of_kind:
            start = f"  {one.provider.name:<{name_width}}  {one.provider!s:<{origin_width}}  "
            if one.status in ("ok", "conflict"):
                say(start + cut(one.summary, max(room() - len(start), 20)))
            else:
                say(f"{start}{style.status(one.status)}: {one.reason}")
        if not of_kind:
            say("  none installed")
    return 0
