"""What a step returns in a pipeline can be passed on; whatever else is done with it is refused with the reason."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import pytest

from plugbay import PlanError, pipeline, step


@step
def kind() -> str:
    return "x"


@step
def both() -> tuple[Annotated[int, "first"], Annotated[int, "second"]]:
    return 1, 2


@step
def taken(value: Any) -> int:
    return 1


@step
def unnamed() -> Any:
    return 1, "a"


USES: dict[str, Callable[[Any], object]] = {
    "==": lambda handle: handle == "x",
    "!=": lambda handle: handle != "x",
    "== reflected": lambda handle: "x" == handle,  # noqa: SIM300
    "<": lambda handle: handle < 1,
    "> reflected": lambda handle: 1 > handle,  # noqa: SIM300
    "in a list": lambda handle: handle in ["x", "y"],
    "in a tuple of others": lambda handle: "x" in (handle,),
    "in it": lambda handle: "x" in handle,
    "if": lambda handle: 1 if handle else 2,
    "not": lambda handle: not handle,
    "and": lambda handle: handle and 1,
    "f-string": lambda handle: f"model-{handle}",
    "format": lambda handle: "model-{}".format(handle),  # noqa: UP032
    "%s": lambda handle: "model-%s" % handle,  # noqa: UP031
    "str": str,
    "join": lambda handle: ",".join(str(one) for one in (handle,)),
    "+": lambda handle: handle + 1,
    "+ reflected": lambda handle: "a" + handle,
    "-": operator.neg,
    "**": lambda handle: 2**handle,
    "abs": abs,
    "round": round,
    "int": int,
    "float": float,
    "range": range,
    "sqrt": math.sqrt,
    "path": Path,
    "call": lambda handle: handle(),
    "len": len,
    "sum": sum,
    "sorted": sorted,
    "max": max,
    "unpack": lambda handle: [*handle],
    "element": lambda handle: handle[0],
    "slice": lambda handle: handle[1:],
    "attribute": lambda handle: handle.shape,
    "method": lambda handle: handle.upper(),
    "match": lambda handle: _matched(handle),
}


def _matched(handle: Any) -> int:
    match handle:
        case "x":
            return 1
    return 2


def wired(use: Callable[[], object]) -> None:
    @pipeline
    def p() -> None:
        use()

    p.compile()


@pytest.mark.parametrize("use", USES)
def test_a_use_that_is_not_passing_it_on_is_explained(use: str) -> None:
    with pytest.raises(
        PlanError, match=r"'output' of step 'kind' is known only at run time, so a pipeline cannot .*it.*; do that"
    ):
        wired(lambda: USES[use](kind()))


@pytest.mark.parametrize("use", ["==", "!=", "if", "not", "f-string", "str", "<", "+"])
def test_also_of_several_outputs_together(use: str) -> None:
    with pytest.raises(PlanError, match=r"what step 'both' returns is known only at run time"):
        wired(lambda: USES[use](both()))


def test_passing_it_on_in_any_form_is_none_of_these() -> None:
    @pipeline
    def p() -> None:
        handle, (first, second) = kind(), both()
        assert handle is not None
        assert "kind" in repr(handle)
        taken(handle)
        taken([handle, first])
        taken({"a": (second, both())})
        taken.map([handle, first]).after(handle)

    assert len(p.compile().plan.steps) == 7


def test_it_is_said_how_outputs_are_named() -> None:
    def unpack() -> None:
        _, _ = unnamed()

    expected = r"if 'unnamed' returns several outputs, say so to take them apart: -> tuple\[X, Y\], or with names -> tuple\[Annotated\[X, \"first\"\]"
    with pytest.raises(PlanError, match=expected):
        wired(unpack)
