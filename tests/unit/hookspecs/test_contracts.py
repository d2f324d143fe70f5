"""Every hook of a component type is called by the conformance class of the type."""

from __future__ import annotations

import ast
import functools
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

import plugbay.testing
from plugbay.host.specifications import specifications
from plugbay.testing.component import ComponentContract
from plugbay_hookspecs.catalogue import COMPONENT_TYPES

HOOKS = [(kind, hook.name) for kind in COMPONENT_TYPES for hook in specifications().values() if hook.subject == kind]


def contract_of(kind: str) -> type[ComponentContract]:
    """The conformance class of a component type."""
    module = import_module(f"plugbay.testing.{kind}")
    (contract,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, ComponentContract) and value.__module__ == module.__name__
    )
    return contract


@functools.cache
def called_by(contract: type[ComponentContract]) -> set[str]:
    """The hooks that the tests of a conformance class call: directly, or through functions beside them.

    What no test leads to does not count, and what the subclass of a flavor calls does neither.
    """
    functions: dict[str, list[ast.AST]] = {}
    reached: list[str] = []
    for owner in contract.__mro__:
        if owner is object:
            continue
        for module in modules_of(inspect.getmodule(owner)):
            for name, function in functions_of(module):
                functions.setdefault(name, []).append(function)
        reached += [name for name in vars(owner) if name.startswith("test_")]
    names = set(specifications())
    called: set[str] = set()
    seen: set[str] = set()
    while reached:
        name = reached.pop()
        if name in seen:
            continue
        seen.add(name)
        for function in functions.get(name, ()):
            for found in mentioned(function):
                if found in names:
                    called.add(found)
                else:
                    reached.append(found)
    return called


def modules_of(module: ModuleType | None) -> Iterator[ModuleType]:
    """The module and those of ``plugbay.testing`` that it takes something from."""
    assert module is not None
    yield module
    for value in vars(module).values():
        other = inspect.getmodule(value)
        if other is not None and other is not module and other.__name__.startswith(plugbay.testing.__name__):
            yield other


def functions_of(module: ModuleType) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node


def mentioned(function: ast.AST) -> Iterator[str]:
    """The names that a function uses, its fixtures among them, and the texts that it gives to a call as a hook's name.

    A hook is also reached through the facade, ``stack.orchestrator.logs(...)``; a run on the stack is one of the
    orchestrator's; and f"model_registry_{name}" names one of those whose names stand in the same function.
    """
    texts = [
        node.value for node in ast.walk(function) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
            if isinstance(node.value, ast.Attribute) and node.value.attr in COMPONENT_TYPES:
                yield f"{node.value.attr}_{node.attr}"
        elif isinstance(node, ast.Call):
            yield from (each.value for each in node.args[:1] if isinstance(each, ast.Constant))
            if any(keyword.arg == "stack" for keyword in node.keywords):
                yield "orchestrator_run"
        elif isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
            yield from (f"{node.values[0].value}{text}" for text in texts)


@pytest.mark.parametrize("kind", COMPONENT_TYPES)
def test_every_component_type_has_a_conformance_class(kind: str) -> None:
    assert contract_of(kind).component_type == kind


@pytest.mark.parametrize(("kind", "hook"), HOOKS)
def test_the_conformance_class_calls_the_hook(kind: str, hook: str) -> None:
    assert hook in called_by(contract_of(kind))


@pytest.mark.parametrize("hook", [hook.name for hook in specifications().values() if hook.subject == "lifecycle"])
def test_a_hook_of_every_component_is_called_by_what_all_types_share(hook: str) -> None:
    assert hook in called_by(ComponentContract)


class Incomplete(ComponentContract):
    """Calls one hook, speaks of another and has a third in what no test leads to."""

    component_type = "alerter"

    def test_something(self, hooks: object) -> None:
        """``component_requirements`` is not called."""
        self.help_it(hooks)

    def help_it(self, hooks: object) -> None:
        hooks.alerter_ask(question=None, timeout=0)

    def nobody_calls_it(self, hooks: object) -> None:
        hooks.alerter_post(message=None)


def test_a_hook_that_no_test_leads_to_is_found_out() -> None:
    called = called_by(Incomplete)
    assert "alerter_ask" in called
    assert "component_start" in called
    assert "alerter_post" not in called
