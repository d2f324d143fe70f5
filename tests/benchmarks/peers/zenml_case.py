"""The cases on ZenML: the default stack, whose local orchestrator and artifact store work beside a SQLite database.

One step and the chain are static pipelines, as ever; the fan is a dynamic one, because only that runs steps side by side.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import measuring
from zenml import pipeline, step


@step
def increment(number: int) -> int:
    return measuring.incremented(number)


@step
def pause(position: int, seed: int) -> int:
    return measuring.paused(position)


@pipeline
def lone(seed: int) -> None:
    increment(seed)


@pipeline
def chained(seed: int) -> None:
    number = increment(seed)
    for _ in range(measuring.CHAIN_LENGTH - 1):
        number = increment(number)


@pipeline(dynamic=True)
def fanned(seed: int) -> None:
    futures = [pause.submit(position, seed, id=f"pause_{position}") for position in range(measuring.FAN_WIDTH)]
    for future in futures:
        future.wait()


def output(run: Any, step_name: str) -> int:
    return int(run.steps[step_name].output.load())


def one(seed: int) -> Callable[[], int]:
    run = lone(seed=seed)
    return lambda: output(run, "increment")


def chain(seed: int) -> Callable[[], int]:
    run = chained(seed=seed)
    return lambda: output(run, f"increment_{measuring.CHAIN_LENGTH}")


def fan(seed: int) -> Callable[[], int]:
    run = fanned(seed=seed)
    return lambda: sum(output(run, f"pause_{position}") for position in range(measuring.FAN_WIDTH))


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again=chain, fan=fan)
