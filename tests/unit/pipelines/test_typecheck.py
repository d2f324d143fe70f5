import collections.abc as abc
import enum
import typing
from typing import Annotated, Any, Literal, NewType, TypedDict, TypeVar, Union

import pytest

from plugbay.typecheck import describe, incompatible, mismatch

T = TypeVar("T")
Metres = NewType("Metres", float)


class Shape(TypedDict):
    sides: int


class Animal: ...


class Dog(Animal): ...


class Quacks(typing.Protocol):
    def quack(self) -> None: ...


class Colour(enum.Enum):
    RED = 1


FITS = [
    (1, int),
    (1, float),
    (1, complex),
    (1.5, complex),
    (True, bool),
    (None, None),
    (None, Union[int, None]),
    ("a", Union[int, str]),
    ("a", int | str),
    ([1, 2], list[int]),
    ([], list[int]),
    ((1, "a"), tuple[int, str]),
    ((1, 2, 3), tuple[int, ...]),
    ({"a": [1]}, dict[str, list[int]]),
    ({1, 2}, set[int]),
    ((1, 2), abc.Sequence[int]),
    ("a", Literal["a", "b"]),
    (1.0, Metres),
    ({"sides": 3}, Shape),
    (Dog(), Animal),
    (Animal(), Quacks),
    (print, abc.Callable[..., None]),
    (int, type[int]),
    (object(), T),
    (object(), Any),
    (object(), object),
    ("x", "Undefined"),
    (3, Annotated[int, "count"]),
    (Colour.RED, Colour),
]
WRONG = [
    ("1", int, "x: expected int, got str ('1')"),
    (True, int, "x: expected int, got bool (True)"),
    (True, float, "x: expected float, got bool (True)"),
    (1.0, int, "x: expected int, got float (1.0)"),
    (1j, float, "x: expected float, got complex (1j)"),
    (0, None, "x: expected None, got int (0)"),
    ([1, "2"], list[int], "x[1]: expected int, got str ('2')"),
    ({"a": [1, None]}, dict[str, list[int]], "x['a'][1]: expected int, got NoneType (None)"),
    ({1: 2}, dict[str, int], "key 1 of x: expected str, got int (1)"),
    ((1,), tuple[int, str], "x: expected 2 elements, got 1"),
    ((1, 2), list[int], "x: expected list[int], got tuple ((1, 2))"),
    (1.5, int | str, "x: expected int | str, got float (1.5)"),
    (1, Literal[True, "a"], "x: expected one of True, 'a', got 1"),
    (3, Shape, "x: expected"),
    ("s", Metres, "x: expected float, got str ('s')"),
    ("a" * 200, int, "..."),
]


@pytest.mark.parametrize(("value", "hint"), FITS)
def test_a_value_that_fits_has_no_mismatch(value: Any, hint: Any) -> None:
    assert mismatch(value, hint, "x") is None


@pytest.mark.parametrize(("value", "hint", "told"), WRONG)
def test_a_mismatch_tells_place_expected_and_got(value: Any, hint: Any, told: str) -> None:
    assert told in str(mismatch(value, hint, "x"))


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (Any, int),
        (int, Any),
        (list[Any], list[int]),
        (int, float),
        (float, complex),
        (int, complex),
        (Dog, Animal),
        (Animal, Dog),
        (int, int | str),
        (int | str, str),
        (Union[int, None], int),
        (list[int], abc.Sequence[int]),
        (abc.Iterable, list),
        (abc.Sized, abc.Iterable),
        (list[int], list[float]),
        (None, None),
        (None, Union[int, None]),
        (T, int),
        (Metres, str),
        (dict, Shape),
        (Animal, Quacks),
        (Annotated[int, "n"], int),
    ],
)
def test_annotations_that_may_fit_are_let_through(given: Any, taken: Any) -> None:
    assert not incompatible(given, taken)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (str, int),
        (float, int),
        (bool, int),
        (bool, float),
        (None, int),
        (int, None),
        (list, dict),
        (tuple, list),
        (list[str], list[int]),
        (dict[str, int], dict[str, str]),
        (list[list[str]], list[list[int]]),
        (str, int | float),
        (int | float, str),
        (Annotated[str, "n"], int),
    ],
)
def test_annotations_that_cannot_fit_are_told(given: Any, taken: Any) -> None:
    assert incompatible(given, taken)


def test_hints_are_shown_as_a_person_writes_them() -> None:
    assert [describe(hint) for hint in (int, None, list[int], Union[int, None], Annotated[str, "s"], Any)] == [
        "int",
        "None",
        "list[int]",
        describe(Union[int, None]),
        "str",
        "Any",
    ] or describe(Any) == "typing.Any"
    assert describe(Dog).endswith("test_typecheck.Dog")
