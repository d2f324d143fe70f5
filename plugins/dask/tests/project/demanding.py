"""A pipeline whose steps ask for what not every worker has."""

import os

from plugbay import pipeline, step


@step(resources={"gpu": 1})
def where(number: int) -> int:
    """Tell which worker this is."""
    return os.getppid()


@step
def places(workers: list[int]) -> list[int]:
    return workers


@pipeline
def demanding():
    places([where(number) for number in range(3)])
