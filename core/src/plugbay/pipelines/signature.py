"""What a function's annotations say of its parameters and outputs."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from attrs import frozen

from plugbay.errors import PlanError
from plugbay.typecheck import unaliased

LONE_OUTPUT = "output"
"""The name of an output that the annotation does not name."""


@frozen(kw_only=True)
class Output:
    """An output that a function declares."""

    name: str
    hint: Any


@frozen(kw_only=True)
class Signature:
    """A function's parameters and outputs with their types."""

    parameters: inspect.Signature
    hints: Mapping[str, Any]
    """By parameter name; only those that are annotated and can be resolved."""
    outputs: tuple[Output, ...]
    many: bool
    """The function returns a tuple with one element for each output, and not the lone output itself."""
    positional: tuple[str, ...] | None = None
    """The names of all parameters, where each of them can be given by its position."""


def signature_of(function: Callable[..., Any]) -> Signature:
    """Read the signature. Raises :class:`PlanError` for a parameter or output no step can have."""
    parameters = inspect.signature(function)
    for parameter in parameters.parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            msg = f"{function.__qualname__}: parameter {parameter} must be an ordinary one that can be given by name"
            raise PlanError(msg)
    hints = resolved_hints(function)
    declared = hints.pop("return", Any)
    outputs, many = _outputs(declared, function.__qualname__)
    by_place = all(parameter.kind is parameter.POSITIONAL_OR_KEYWORD for parameter in parameters.parameters.values())
    return Signature(
        parameters=parameters,
        hints=hints,
        outputs=outputs,
        many=many,
        positional=tuple(parameters.parameters) if by_place else None,
    )


def resolved_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The annotations as objects; one that cannot be resolved (imported for type checkers only) is left out."""
    try:
        return typing.get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):
        return {name: hint for name, text in function.__annotations__.items() if (hint := _resolved(text, function))}


def _resolved(annotation: Any, function: Callable[..., Any]) -> Any:
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, function.__globals__)  # noqa: S307  the annotation is the user's own code
    except Exception:  # noqa: BLE001  whatever it raises, the annotation says nothing
        return None


def _outputs(declared: Any, where: str) -> tuple[tuple[Output, ...], bool]:
    structure = unaliased(declared)
    if structure is None or structure is type(None):
        return (), False
    elements = typing.get_args(structure) if typing.get_origin(structure) is tuple else ()
    named = any(_output_name(element) is not None for element in elements)
    if named or (len(elements) > 1 and Ellipsis not in elements):
        outputs = tuple(
            Output(name=_output_name(element) or f"{LONE_OUTPUT}_{index}", hint=_without_name(element))
            for index, element in enumerate(elements)
        )
        _check_names([output.name for output in outputs], where)
        return outputs, True
    name = _output_name(declared) or LONE_OUTPUT
    _check_names([name], where)
    return (Output(name=name, hint=_without_name(declared)),), False


def _without_name(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint


def _output_name(hint: Any) -> str | None:
    hint = unaliased(hint)
    if typing.get_origin(hint) is not Annotated:
        return None
    name = next((extra for extra in hint.__metadata__ if isinstance(extra, str)), None)
    return name if name is not None else _output_name(typing.get_args(hint)[0])


def _check_names(names: list[str], where: str) -> None:
    for name in names:
        if not name.isidentifier():
            msg = f"{where}: the output name {name!r} must be a Python identifier"
            raise PlanError(msg)
    if len(set(names)) < len(names):
        msg = f"{where}: two outputs have the same name: {', '.join(names)}"
        raise PlanError(msg)
