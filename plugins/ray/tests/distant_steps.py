"""A pipeline with a step for the step operator, in a module that is shipped alone."""

import os

from plugbay import pipeline, step


@step(operator="ray")
def distant(number: int) -> list[str]:
    print("on Ray")
    return [str(number + 1), *({"RAY_ADDRESS"} & set(os.environ))]


@pipeline
def single(number: int) -> None:
    """One step that is executed elsewhere."""
    distant(number)
