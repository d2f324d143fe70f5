"""Tell whether steps of a plan can ever run at the same time."""

from collections.abc import Iterator
from itertools import pairwise

from plugbay_hookspecs.types.plan import Binding, Each, ItemsOf, NamedItemsOf, OutputOf, Plan, PlannedStep


def is_chain(plan: Plan) -> bool:
    """Tell whether each step needs the one before it and none is mapped: then no two can run at the same time."""
    return not any(step.mapped for step in plan.steps) and all(
        before.id in _needs(step) for before, step in pairwise(plan.steps)
    )


def _needs(step: PlannedStep) -> set[str]:
    """Name the steps that must have succeeded before ``step``."""
    used = (name for binding in step.inputs.values() for name in _used(binding))
    return {*step.after, *used}


def _used(binding: Binding) -> Iterator[str]:
    match binding:
        case OutputOf(step=step):
            yield step
        case ItemsOf(items=items):
            for item in items:
                yield from _used(item)
        case NamedItemsOf(items=named):
            for item in named.values():
                yield from _used(item)
        case Each(of=of):
            yield from _used(of)
