"""The typed facades and the hook specifications say the same, method by method and parameter by parameter."""

from __future__ import annotations

import inspect
import typing
from importlib import import_module
from types import NoneType, UnionType
from typing import Any, Union

import pytest

import plugbay_hookspecs.types
from plugbay.host.specifications import specifications
from plugbay_hookspecs.catalogue import COMPONENT_TYPES

FACADES = {
    kind: getattr(import_module(f"plugbay.stack.facades.{kind}"), kind.title().replace("_", ""))
    for kind in COMPONENT_TYPES
}
HOOKS = [
    (subject, name.removeprefix(f"{subject}_"))
    for subject in FACADES
    for name, found in specifications().items()
    if found.subject == subject
]


def annotations(function: Any) -> dict[str, Any]:
    names = {name: getattr(plugbay_hookspecs.types, name) for name in plugbay_hookspecs.types.__all__}
    module = vars(import_module(function.__module__))
    return typing.get_type_hints(function, {**names, **module}, {})


def test_there_is_a_facade_for_every_type() -> None:
    assert len(FACADES) == 13
    assert {subject for subject, _ in HOOKS} == set(FACADES)


def without_none(hint: Any) -> Any:
    """A facade says where a hook that is not implemented answers ``None``; a specification need not."""
    if typing.get_origin(hint) in (Union, UnionType):
        options = [option for option in typing.get_args(hint) if option is not NoneType]
        return options[0] if len(options) == 1 else set(options)
    return hint


@pytest.mark.parametrize(("subject", "name"), HOOKS)
def test_each_hook_has_a_method_with_its_parameters(subject: str, name: str) -> None:
    specification = specifications()[f"{subject}_{name}"]
    method = getattr(FACADES[subject], name)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    assert tuple(parameter.name for parameter in parameters) == specification.arguments
    assert all(parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY) for parameter in parameters)


@pytest.mark.parametrize(("subject", "name"), HOOKS)
def test_they_take_and_return_the_same_types(subject: str, name: str) -> None:
    specified = annotations(specifications()[f"{subject}_{name}"].function)
    offered = annotations(getattr(FACADES[subject], name))
    assert offered.keys() == specified.keys()
    assert {key: without_none(hint) for key, hint in offered.items() if key == "return"} == {
        key: without_none(hint) for key, hint in specified.items() if key == "return"
    }
    assert {**offered, "return": None} == {**specified, "return": None}


@pytest.mark.parametrize("subject", FACADES)
def test_no_method_is_without_a_hook(subject: str) -> None:
    members = vars(FACADES[subject]).items()
    methods = {name for name, member in members if not name.startswith("_") and not isinstance(member, property)}
    assert methods == {name for found, name in HOOKS if found == subject}


@pytest.mark.parametrize("subject", FACADES)
def test_a_facade_passes_every_argument_on(subject: str) -> None:
    for found, name in HOOKS:
        if found == subject and (arguments := specifications()[f"{subject}_{name}"].arguments):
            source = inspect.getsource(getattr(FACADES[subject], name))
            assert all(f"{argument}=" in source for argument in arguments)
