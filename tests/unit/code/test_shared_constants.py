"""Whether two lists in constants are one object or two equal ones counts: code that changes one may see it in the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from plugbay.code.fingerprint import code_fingerprint

WHICH = st.lists(st.integers(0, 3), min_size=1, max_size=5)
"""Which of some equal lists stands at each place."""
AROUND: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "dict": lambda things: dict(enumerate(things)),
    "deeper": lambda things: [{"a": (thing,)} for thing in things],
    "beside what is not plain": lambda things: [*things, print],
}
KINDS: dict[str, Callable[[], Any]] = {"list": lambda: [1], "dict": lambda: {"a": [1]}, "set": lambda: {1}}


def numbered(which: list[list[int]]) -> list[list[int]]:
    """The same pattern, numbered in the order in which each is met first."""
    numbers: dict[int, int] = {}
    return [[numbers.setdefault(each, len(numbers)) for each in part] for part in which]


def fingerprint(
    which: list[list[int]], make: Callable[[], Any], around: Callable[[list[Any]], Any], alone: bool
) -> str:
    made = [make() for _ in range(4)]
    first, second = (around([made[each] for each in part]) for part in which)
    lone = made[0] if alone else None

    def target() -> Any:
        return first, second, lone

    return code_fingerprint(target).digest


@given(
    one=st.tuples(WHICH, WHICH).map(list),
    other=st.tuples(WHICH, WHICH).map(list),
    kind=st.sampled_from(sorted(KINDS)),
    around=st.sampled_from(sorted(AROUND)),
    alone=st.booleans(),
)
def test_two_constants_count_alike_when_the_same_places_hold_one_object(
    one: list[list[int]], other: list[list[int]], kind: str, around: str, alone: bool
) -> None:
    def pattern(which: list[list[int]]) -> list[list[int]]:
        return numbered([*which, [0]] if alone else which)

    digests = [fingerprint(which, KINDS[kind], AROUND[around], alone) for which in (one, other)]
    assert (digests[0] == digests[1]) == (pattern(one) == pattern(other))
