"""An alias says what it stands for, wherever an annotation is read."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final, Literal, LiteralString, Never, Required, TypeVar, Union

import pytest
import typing_extensions
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import TypeAliasType

from plugbay import PlanError, pipeline, step
from plugbay.cli.from_text import value_of_text
from plugbay.cli.from_toml import value_of_tree
from plugbay.pipelines.signature import signature_of
from plugbay.typecheck import bare, describe, incompatible, mismatch

T = TypeVar("T")
K = TypeVar("K")
D = typing_extensions.TypeVar("D", default=int)

Number = TypeAliasType("Number", int | float)
Measured = TypeAliasType("Measured", Annotated[Number, "measured"])
Pair = TypeAliasType("Pair", tuple[T, T], type_params=(T,))
Swapped = TypeAliasType("Swapped", dict[K, T], type_params=(T, K))
Same = TypeAliasType("Same", T, type_params=(T,))
Defaulted = TypeAliasType("Defaulted", list[D], type_params=(D,))
Json = TypeAliasType("Json", "dict[str, Json] | list[Json] | int | None")
Outputs = TypeAliasType("Outputs", tuple[Annotated[int, "count"], Annotated[Number, "mean"]])
Nothing = TypeAliasType("Nothing", None)

HINTS = st.recursive(
    st.sampled_from([int, str, float, bool, None, list, Literal["a", 1], Any]),
    lambda inner: (
        st.builds(lambda one: list[one], inner)
        | st.builds(lambda one, other: dict[one, other], inner, inner)
        | st.builds(lambda one, other: Union[one, other], inner, inner)
        | st.builds(lambda one: one | None if one is not None else None, inner)
        | st.builds(lambda one: tuple[one, ...], inner)
    ),
    max_leaves=5,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b", 1.5]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.tuples(inner) | st.dictionaries(st.sampled_from(["a", 1]), inner, max_size=2)
    ),
    max_leaves=4,
)
WRAPS = {
    "alias": lambda hint: TypeAliasType("A", hint),
    "annotated": lambda hint: Annotated[hint, "x"],
    "alias of annotated": lambda hint: TypeAliasType("A", Annotated[hint, "x"]),
    "annotated alias": lambda hint: Annotated[TypeAliasType("A", hint), "x"],
    "parameter": lambda hint: Same[hint],
    "two aliases": lambda hint: TypeAliasType("B", TypeAliasType("A", hint)),
}


@given(HINTS, VALUES, st.sampled_from(sorted(WRAPS)))
def test_an_alias_takes_what_it_stands_for(hint: Any, value: Any, wrap: str) -> None:
    plain, wrapped = mismatch(value, hint, "it"), mismatch(value, WRAPS[wrap](hint), "it")
    assert (plain is None) == (wrapped is None)
    inner = mismatch([value], list[hint], "it"), mismatch([value], list[WRAPS[wrap](hint)], "it")
    assert (inner[0] is None) == (inner[1] is None)


@given(HINTS, HINTS, st.sampled_from(sorted(WRAPS)))
def test_an_alias_fits_where_what_it_stands_for_does(given_hint: Any, taken: Any, wrap: str) -> None:
    plain = incompatible(given_hint, taken)
    assert incompatible(WRAPS[wrap](given_hint), taken) is plain
    assert incompatible(given_hint, WRAPS[wrap](taken)) is plain


@pytest.mark.parametrize(
    ("hint", "right", "wrong"),
    [
        (Number, 1.5, "a"),
        (Measured, 1, "a"),
        (Pair[int], (1, 2), (1, "a")),
        (Swapped[int, str], {"a": 1}, {1: "a"}),
        (Same[str], "a", 1),
        (Defaulted, [1], ["a"]),
        (Defaulted[str], ["a"], [1]),
        (Number | None, None, "a"),
        (list[Number], [1, 2.5], ["a"]),
        (Annotated[Annotated[int, "x"], "y"], 1, "a"),
        (Required[int], 1, "a"),
        (Final[int], 1, "a"),
        (LiteralString, "a", 1),
        (Nothing, None, 1),
    ],
)
def test_each_form_is_checked(hint: Any, right: object, wrong: object) -> None:
    assert mismatch(right, hint, "it") is None
    assert "expected " in str(mismatch(wrong, hint, "it"))


def test_nothing_fits_where_nothing_is_expected() -> None:
    assert mismatch(1, Never, "it") == "it: expected nothing, got int (1)"


def test_a_message_names_the_alias() -> None:
    assert mismatch("a", Number, "it") == "it: expected Number, got str ('a')"
    assert describe(Measured) == "Measured"


@pytest.mark.parametrize("hint", [Json, list[Json]])
def test_an_alias_of_itself_ends(hint: Any) -> None:
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    deep_in_itself: list[Any] = []
    deep_in_itself.append(deep_in_itself)
    for value in (deep, deep_in_itself, [], None):
        mismatch(value, hint, "it")
    assert not incompatible(hint, TypeAliasType("Other", dict[str, Json] | list[Json] | int | None))


def test_outputs_behind_an_alias_are_those_it_names() -> None:
    def f() -> Outputs: ...  # type: ignore[empty-body]
    def g() -> Measured: ...  # type: ignore[empty-body]
    def h() -> Nothing: ...

    assert [output.name for output in signature_of(f).outputs] == ["count", "mean"]
    assert [output.name for output in signature_of(g).outputs] == ["measured"]
    assert signature_of(h).outputs == ()


def test_values_of_the_command_line_are_read_by_what_it_stands_for() -> None:
    assert value_of_text("2.5", Number, "it") == (2.5, [])
    assert value_of_text("x", Number, "it")[1]
    assert value_of_tree([1, 2], Pair[int], "it") == ((1, 2), [])


@step
def word() -> str:
    return "a"


@step
def number(value: Number) -> Number:
    return value


@step
def wrong() -> Number:
    return "a"  # type: ignore[return-value]


def test_arguments_outputs_and_the_wiring_are_checked() -> None:
    @pipeline
    def argument() -> None:
        number("a")  # type: ignore[arg-type]

    @pipeline
    def wired() -> None:
        number(word())  # type: ignore[arg-type]

    @pipeline
    def output() -> None:
        wrong()

    for each, expected in (
        (argument, "argument 'value' of step 'number': expected Number, got str"),
        (wired, "argument 'value' of step 'number': expected Number, but <output 'output' of step 'word'> is str"),
    ):
        with pytest.raises(PlanError, match=expected):
            each.compile()
    with pytest.raises(Exception, match="output 'output' of step 'wrong': expected Number, got str"):
        output.run()


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the statement is new in Python 3.12")
def test_the_statement_makes_such_aliases() -> None:
    namespace: dict[str, Any] = {"Annotated": Annotated}
    exec(
        "type Number = int | float\n"
        "type Pair[A, B] = tuple[B, A]\n"
        "type Tree = list[Tree] | int\n"
        "type Other = list[Other] | int\n"
        "type Late = list[Later]\n"
        "type Itself = Itself\n"
        "type Outputs = tuple[Annotated[int, 'a'], Annotated[Pair[int, str], 'b']]\n"
        "def f[A](first: A, second: Pair[int, str]) -> Outputs: ...\n",
        namespace,
    )
    assert mismatch(1.5, namespace["Number"], "it") is None
    assert mismatch("a", namespace["Number"], "it") == "it: expected Number, got str ('a')"
    assert mismatch(("a", 1), namespace["Pair"][int, str], "it") is None
    assert mismatch((1, "a"), namespace["Pair"][int, str], "it") == "it[0]: expected str, got int (1)"
    assert mismatch([[1], 2], namespace["Tree"], "it") is None
    assert mismatch([["a"]], namespace["Tree"], "it")
    assert mismatch(1, namespace["Late"], "it") is None
    assert bare(namespace["Itself"]) is Any
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    deep_in_itself: list[Any] = []
    deep_in_itself.append(deep_in_itself)
    for value in (deep, deep_in_itself):
        assert mismatch(value, namespace["Tree"], "it") is None
    assert not incompatible(namespace["Tree"], namespace["Other"])
    found = signature_of(namespace["f"])
    assert [output.name for output in found.outputs] == ["a", "b"]
    assert mismatch(("a", 1), found.hints["second"], "it") is None
    assert mismatch((1, 1), found.hints["second"], "it")
