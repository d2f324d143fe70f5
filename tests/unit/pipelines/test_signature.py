from typing import TYPE_CHECKING, Annotated, Any

import pytest

from plugbay import PlanError
from plugbay.pipelines.signature import Output, signature_of

if TYPE_CHECKING:
    from nowhere import Model


def outputs_of(function: Any) -> tuple[tuple[tuple[str, Any], ...], bool]:
    signature = signature_of(function)
    return tuple((output.name, output.hint) for output in signature.outputs), signature.many


def none() -> None: ...
def unannotated(): ...
def lone() -> int: ...
def named() -> Annotated[int, "count"]: ...
def plain_tuple() -> tuple[int, str]: ...
def kept_whole() -> Annotated[tuple[int, str], "pair"]: ...
def any_length() -> tuple[int, ...]: ...
def of_one() -> tuple[int]: ...
def several() -> tuple[Annotated[int, "count"], Annotated[str, "text"]]: ...
def partly() -> tuple[Annotated[int, "count"], str]: ...
def one_of_a_tuple() -> tuple[Annotated[int, "count"]]: ...
def annotated_otherwise() -> Annotated[int, 5]: ...
def as_text() -> "tuple[Annotated[int, 'count'], Annotated[str, 'text']]": ...
def for_checkers_only(x: "Model", y: int) -> "Model": ...


@pytest.mark.parametrize(
    ("function", "outputs", "many"),
    [
        (none, (), False),
        (unannotated, (("output", Any),), False),
        (lone, (("output", int),), False),
        (named, (("count", int),), False),
        (plain_tuple, (("output_0", int), ("output_1", str)), True),
        (kept_whole, (("pair", tuple[int, str]),), False),
        (any_length, (("output", tuple[int, ...]),), False),
        (of_one, (("output", tuple[int]),), False),
        (several, (("count", int), ("text", str)), True),
        (partly, (("count", int), ("output_1", str)), True),
        (one_of_a_tuple, (("count", int),), True),
        (annotated_otherwise, (("output", int),), False),
        (as_text, (("count", int), ("text", str)), True),
        (for_checkers_only, (("output", Any),), False),
    ],
)
def test_outputs_are_read_from_the_return_annotation(function: Any, outputs: Any, many: bool) -> None:
    assert outputs_of(function) == (outputs, many)


def test_an_annotation_that_cannot_be_resolved_says_nothing() -> None:
    assert dict(signature_of(for_checkers_only).hints) == {"y": int}


def positional_only(x: int, /) -> None: ...
def any_number(*x: int) -> None: ...
def any_names(**x: int) -> None: ...
def twice() -> tuple[Annotated[int, "a"], Annotated[int, "a"]]: ...
def odd() -> Annotated[int, "a b"]: ...


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (positional_only, "must be an ordinary one that can be given by name"),
        (any_number, "must be an ordinary one"),
        (any_names, "must be an ordinary one"),
        (twice, "two outputs have the same name: a, a"),
        (odd, "the output name 'a b' must be a Python identifier"),
    ],
)
def test_what_no_step_can_have_is_refused(function: Any, told: str) -> None:
    with pytest.raises(PlanError, match=told) as caught:
        signature_of(function)
    assert function.__qualname__ in str(caught.value)


def test_an_output_is_a_value() -> None:
    assert Output(name="a", hint=int) == Output(name="a", hint=int)
