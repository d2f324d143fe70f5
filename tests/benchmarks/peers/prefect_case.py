"""The cases on Prefect: a flow of tasks, with the temporary server that it starts when none is configured."""

from __future__ import annotations

from collections.abc import Callable

import measuring
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE
from prefect.task_runners import ThreadPoolTaskRunner


@task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)
def increment(number: int) -> int:
    return measuring.incremented(number)


@task(persist_result=True, cache_policy=INPUTS + TASK_SOURCE)
def pause(position: int, seed: int) -> int:
    return measuring.paused(position)


@flow
def lone(seed: int) -> int:
    return increment(seed)


@flow
def chained(seed: int) -> int:
    number = seed
    for _ in range(measuring.CHAIN_LENGTH):
        number = increment(number)
    return number


@flow(task_runner=ThreadPoolTaskRunner(max_workers=measuring.FAN_WIDTH))
def fanned(seed: int) -> list[int]:
    futures = [pause.submit(position, seed) for position in range(measuring.FAN_WIDTH)]
    return [future.result() for future in futures]


def one(seed: int) -> Callable[[], int]:
    number = lone(seed)
    return lambda: number


def chain(seed: int) -> Callable[[], int]:
    number = chained(seed)
    return lambda: number


def fan(seed: int) -> Callable[[], int]:
    positions = fanned(seed)
    return lambda: sum(positions)


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again=chain, fan=fan)
