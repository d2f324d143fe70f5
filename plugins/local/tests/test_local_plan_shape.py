from collections.abc import Mapping

import pytest

from plugbay_hookspecs.types import Binding, Each, ItemsOf, Literal, NamedItemsOf, OutputOf, Plan, PlannedStep
from plugbay_local.plan_shape import is_chain


def step(name: str, /, *after: str, **inputs: Binding) -> PlannedStep:
    return PlannedStep(id=name, name=name, function=f"m:{name}", inputs=inputs, outputs=(), after=after)


def plan(*steps: PlannedStep) -> Plan:
    parameters: Mapping[str, object] = {}
    return Plan(pipeline="p", target=None, parameters=parameters, steps=steps)


A, B = OutputOf("a", "output"), OutputOf("b", "output")


@pytest.mark.parametrize(
    "steps",
    [
        (),
        (step("a", x=Literal(1)),),
        (step("a"), step("b", "a"), step("c", "b")),
        (step("a"), step("b", x=A), step("c", x=B)),
        (step("a"), step("b", x=ItemsOf((Literal(1), NamedItemsOf({"k": A}))))),
        (step("a"), step("b", x=A), step("c", x=A, y=B)),
    ],
)
def test_steps_of_which_each_needs_the_one_before_are_a_chain(steps: tuple[PlannedStep, ...]) -> None:
    assert is_chain(plan(*steps))


@pytest.mark.parametrize(
    "steps",
    [
        (step("a"), step("b")),
        (step("a"), step("b", x=A), step("c", x=A)),
        (step("a"), step("b"), step("c", x=ItemsOf((A, B)))),
        (step("a"), step("b", x=Each(A))),
        (step("a", x=Each(Literal([1, 2]))),),
    ],
)
def test_steps_that_can_run_at_the_same_time_are_no_chain(steps: tuple[PlannedStep, ...]) -> None:
    assert not is_chain(plan(*steps))
