"""List every installed plugin and whether it can be used."""

from __future__ import annotations

import argparse

from plugbay.cli.parsing import add_json
from plugbay.cli.terminal import say, say_json, stdout_style

_WIDEST = 30


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.cli.installed import inspected
    from plugbay.host.discovery import installed_plugins

    index = installed_plugins()
    found = [inspected(provider, index) for provider in index.all()]
    if arguments.json:
        say_json(
            [
                {
                    "name": one.provider.name,
                    "type": one.type,
                    "group": one.provider.group,
                    "distribution": one.provider.distribution,
                    "version": one.provider.version,
                    "value": one.provider.value,
                    "status": one.status,
                    "reason": one.reason,
                }
                for one in found
            ]
        )
        return 0
    if not found:
        say("no plugins are installed; pip install plugbay-local brings the first")
        return 0
    style = stdout_style()
    rows = [(one.provider.name, one.type, str(one.provider)) for one in found]
    heads = ("NAME", "TYPE", "DISTRIBUTION", "STATUS")
    widths = [min(_WIDEST, max(len(head), *(len(row[i]) for row in rows))) for i, head in enumerate(heads[:3])]
    say(style.dim("  ".join([*(f"{head:<{width}}" for head, width in zip(heads[:3], widths, strict=True)), heads[3]])))
    for one, row in zip(found, rows, strict=True):
        cells = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        say(f"{cells}  {style.status(one.status if one.status != 'conflict' else 'broken', one.status)}")
        if one.reason is not None:
            say(f"  {one.reason}")
    return 0
