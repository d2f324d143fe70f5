"""``plugbay stack show``: what a stack is made of, without starting it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

import attrs

from plugbay.cli.reporting import print_warning
from plugbay.cli.terminal import say, say_json, stdout_style
from plugbay.host.host import Component
from plugbay.stack import Stack
from plugbay_hookspecs import Secret


def show(arguments: argparse.Namespace) -> int:
    """Run the command."""
    stack = Stack.load(arguments.name)
    described = [_component_tree(stack, component) for component in stack.components]
    if arguments.json:
        say_json({"name": stack.name, "allow_pickle": stack.allow_pickle, "components": described})
        return 0
    style = stdout_style()
    say(f"stack {style.bold(stack.name)}")
    for tree in described:
        origin = f"{tree['distribution']} {tree['version']}" if tree["distribution"] else "no distribution"
        say(f"\n{tree['id']}: {style.bold(tree['flavor'])} {style.dim(f'({origin})')}")
        for name, value in tree["settings"].items():
            say(f"  {name} = {_text(value)}")
        for name, fact in tree["facts"].items():
            say(f"  {style.dim(f'{name}: {fact}')}")
    return 0


def _component_tree(stack: Stack, component: Component) -> dict[str, Any]:
    info = component.info
    return {
        "id": component.id,
        "type": info.type,
        "name": info.name,
        "flavor": info.flavor,
        "distribution": info.distribution,
        "version": info.version,
        "settings": _settings(component.plugin),
        "facts": _facts(stack, component),
    }


def _settings(plugin: Any) -> dict[str, Any]:
    """The fields that the configuration can set, as JSON in which no secret shows."""
    return {
        field.alias: shown(getattr(plugin, field.name))
        for field in attrs.fields(type(plugin))
        if field.init and not field.name.startswith("_")
    }


def shown(value: Any) -> Any:
    """A setting as JSON; a secret is ``***``, with where it comes from."""
    if isinstance(value, Secret):
        return f"*** ({value.reference})" if value.reference else "***"
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): shown(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [shown(item) for item in value]
    if attrs.has(type(value)):
        return _settings(value)
    return repr(value)


def _facts(stack: Stack, component: Component) -> dict[str, str]:
    try:
        return dict(stack.host.one(component, "component_describe") or {})
    except Exception as error:  # noqa: BLE001  a description that fails must not hide the rest of the stack
        print_warning(f"{component}: component_describe raised {type(error).__name__}: {error}")
        return {}


def _text(value: Any) -> str:
    import json

    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
