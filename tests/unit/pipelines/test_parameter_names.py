"""Steps and pipelines may call their parameters what they like."""

from __future__ import annotations

import inspect
import keyword
from typing import Any

import pytest

import plugbay
from plugbay import PlanError, pipeline, step
from plugbay.pipelines.pipeline import Pipeline
from plugbay.pipelines.step import Step

OF_OURS = sorted(
    {
        name
        for kind in (Step, Pipeline)
        for method in vars(kind).values()
        if inspect.isfunction(method)
        for name in inspect.signature(method).parameters
    }
    | set(inspect.signature(plugbay.step).parameters)
    | set(inspect.signature(Step.with_options).parameters)
    | {"self", "cls", "id", "values", "args", "kwargs", "function", "arguments", "step", "call", "result", "name"}
)
"""The names that Plugbay's own calls give to what they take."""
RESERVED = ("stack", "failure", "cache")


def function(name: str) -> Any:
    """A function whose only parameter has the name; defined where another process could import it too."""
    assert name.isidentifier() and not keyword.iskeyword(name)
    namespace: dict[str, Any] = {"__name__": __name__}
    exec(f"def f({name}: int) -> int:\n    return {name} + 1", namespace)
    found = namespace["f"]
    found.__qualname__ = f"f_{name}"
    return found


@pytest.mark.parametrize("name", OF_OURS)
def test_a_step_is_called_by_name_and_by_place_inside_a_pipeline_and_outside(name: str) -> None:
    made = step(function(name))

    @pipeline
    def p() -> None:
        made(**{name: 1})
        made(1)
        made.map([1, 2])

    assert made(**{name: 1}) == made(1) == 2
    assert made.map([1, 2]) == [2, 3]
    planned = p.compile().plan.steps
    assert [list(each.inputs) for each in planned] == [[name]] * 3


@pytest.mark.parametrize("name", [name for name in OF_OURS if name not in RESERVED])
def test_a_pipeline_is_run_with_a_parameter_of_that_name(name: str, home: object) -> None:
    inner = step(function("number"))
    namespace: dict[str, Any] = {"inner": inner}
    exec(f"def p({name}: int):\n    inner({name})", namespace)
    made = pipeline(namespace["p"])
    assert made.compile(None, **{name: 1}).plan.parameters == {name: 1}
    assert made.run(**{name: 1})["f"].output.load() == 2


@pytest.mark.parametrize("name", RESERVED)
def test_a_name_that_run_has_for_itself_is_refused_where_the_pipeline_is_defined(name: str) -> None:
    namespace: dict[str, Any] = {}
    exec(f"def p({name}): ...", namespace)
    with pytest.raises(PlanError, match=rf"run\(\) has options of its own named .*; rename {name}$"):
        pipeline(namespace["p"])
