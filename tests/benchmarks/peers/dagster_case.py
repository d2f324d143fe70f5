"""The cases on Dagster: jobs of ops, recorded by the instance in ``DAGSTER_HOME``, with outputs kept as files.

One step and the chain run in this process, the fan with the multiprocess executor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import measuring
from dagster import DagsterInstance, JobDefinition, execute_job, in_process_executor, job, op, reconstructable

POSITIONS = range(measuring.FAN_WIDTH)


@op
def increment(number: int) -> int:
    return measuring.incremented(number)


@op
def pause(position: int) -> int:
    return measuring.paused(position)


@job(executor_def=in_process_executor)
def lone() -> None:
    increment.alias("increment_1")()


@job(executor_def=in_process_executor)
def chained() -> None:
    number = increment.alias("increment_1")()
    for position in range(2, measuring.CHAIN_LENGTH + 1):
        number = increment.alias(f"increment_{position}")(number)


@job
def fanned() -> None:
    for position in POSITIONS:
        pause.alias(f"pause_{position}")()


def run(definition: JobDefinition, config: dict[str, Any], nodes: list[str]) -> Callable[[], int]:
    """Run a job; what comes back adds what these nodes gave."""
    with DagsterInstance.get() as instance:
        result = execute_job(reconstructable(definition), instance, run_config=config, raise_on_error=True)

    def load() -> int:
        with result:
            return sum(result.output_for_node(node) for node in nodes)

    return load


def one(seed: int) -> Callable[[], int]:
    return run(lone, {"ops": {"increment_1": {"inputs": {"number": seed}}}}, ["increment_1"])


def chain(seed: int) -> Callable[[], int]:
    config = {"ops": {"increment_1": {"inputs": {"number": seed}}}}
    return run(chained, config, [f"increment_{measuring.CHAIN_LENGTH}"])


def fan(seed: int) -> Callable[[], int]:
    config = {
        "ops": {f"pause_{position}": {"inputs": {"position": position}} for position in POSITIONS},
        "execution": {"config": {"multiprocess": {"max_concurrent": measuring.FAN_WIDTH}}},
    }
    return run(fanned, config, [f"pause_{position}" for position in POSITIONS])


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again="no cache", fan=fan)
