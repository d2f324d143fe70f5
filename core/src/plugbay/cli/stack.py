"""List, show and check stacks; create or destroy what their components need."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from functools import partial

from plugbay.cli.parsing import add_general, add_json
from plugbay.cli.terminal import say, say_json, stdout_style

_COMMANDS = {
    "list": "list the configured stacks",
    "show": "show a stack's components and their settings",
    "check": "find what is wrong with a stack",
    "up": "create what the components need: buckets, databases, clusters",
    "down": "destroy what up created",
}

_MODULES = {"show": "stack_show", "check": "stack_check", "up": "stack_infrastructure", "down": "stack_infrastructure"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, text in _COMMANDS.items():
        sub = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name != "list":
            sub.add_argument("name", nargs="?", metavar="NAME", help="the stack (default: the configured one)")
        if name == "check":
            sub.add_argument("--live", action="store_true", help="start the stack and ask each tool whether it answers")
        if name == "down":
            sub.add_argument("--yes", action="store_true", help="do not ask on a terminal")
        add_json(sub)
        add_general(sub)
        sub.set_defaults(run=partial(_run, name))


def run(arguments: argparse.Namespace) -> int:
    """List the stacks."""
    from plugbay.config.schema import load_config

    config = load_config()
    if arguments.json:
        say_json(
            [
                {
                    "name": stack.name,
                    "active": stack.name == config.stack,
                    "components": [
                        {"type": c.type, "name": c.name, "flavor": c.flavor, "source": c.source}
                        for c in stack.components
                    ],
                }
                for stack in config.stacks.values()
            ]
        )
        return 0
    style = stdout_style()
    for stack in config.stacks.values():
        active = stack.name == config.stack
        say(f"{style.bold(stack.name)}{' (active)' if active else ''}")
        for component in stack.components:
            alone = component.name in (component.type, component.flavor)
            name = component.type if alone else f"{component.type} {component.name}"
            say(f"  {name:<18} {component.flavor}")
    if config.stack not in config.stacks:
        config.stack_config()  # raises: the active stack is not there
    say(style.dim(f"configured in: {', '.join(config.sources)}"))
    return 0


def _run(name: str, arguments: argparse.Namespace) -> int:
    if name == "list":
        return run(arguments)
    module = importlib.import_module(f"plugbay.cli.{_MODULES[name]}")
    command: Callable[[argparse.Namespace], int] = getattr(module, name)
    return command(arguments)
