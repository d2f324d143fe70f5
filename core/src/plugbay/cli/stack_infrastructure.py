"""``plugbay stack up`` and ``plugbay stack down``: the infrastructure outside that components need."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

from plugbay.cli.terminal import say, say_json, stderr_style
from plugbay.errors import PlugbayError
from plugbay.host.host import Component
from plugbay.host.implementations import hook_implementations
from plugbay.stack import Stack


def up(arguments: argparse.Namespace) -> int:
    """Create what each component needs, in stack order."""
    stack = Stack.load(arguments.name)
    stack.check()
    return _call(stack, "component_provision", stack.components, "ready", as_json=arguments.json)


def down(arguments: argparse.Namespace) -> int:
    """Destroy it again, in reverse order."""
    stack = Stack.load(arguments.name)
    components = list(reversed(stack.components))
    doomed = [component for component in components if _implements(component, "component_deprovision")]
    if doomed and not arguments.yes and sys.stdin.isatty() and not _confirmed(stack, doomed):
        msg = "nothing was destroyed"
        raise PlugbayError(msg)
    return _call(stack, "component_deprovision", components, "destroyed", as_json=arguments.json)


def _call(stack: Stack, hook: str, components: Iterable[Component], done: str, *, as_json: bool) -> int:
    told = []
    for component in components:
        if not _implements(component, hook):
            continue
        stack.host.one(component, hook)
        told.append(component)
        if not as_json:
            say(f"{done}: {component}")
    if as_json:
        say_json({"stack": stack.name, done: [component.id for component in told]})
    elif not told:
        say(f"stack {stack.name!r}: no component has anything outside that it needs")
    return 0


def _implements(component: Component, hook: str) -> bool:
    flavor: type = type(component.plugin)
    return hook in hook_implementations(flavor)


def _confirmed(stack: Stack, doomed: list[Component]) -> bool:
    for component in doomed:
        sys.stderr.write(f"  {component}\n")
    question = f"destroy what these components of stack {stack.name!r} have created, and all that is in it?"
    sys.stderr.write(f"{stderr_style().yellow(question)} [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
