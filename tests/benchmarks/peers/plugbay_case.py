"""The cases on Plugbay: the default stack, with as many worker processes as the fan is wide."""

from __future__ import annotations

from collections.abc import Callable

import measuring

from plugbay import Stack, pipeline, step


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


@pipeline
def fanned(seed: int) -> None:
    for position in range(measuring.FAN_WIDTH):
        pause(position, seed, id=f"pause_{position}")


def one(seed: int) -> Callable[[], int]:
    run = lone.run(seed=seed)
    return lambda: run["increment"].output.load()


def chain(seed: int) -> Callable[[], int]:
    run = chained.run(seed=seed)
    return lambda: run[f"increment_{measuring.CHAIN_LENGTH}"].output.load()


def fan(seed: int) -> Callable[[], int]:
    from plugbay_local.artifact_store import LocalArtifactStore
    from plugbay_local.orchestrator import LocalOrchestrator

    stack = Stack(
        orchestrator=LocalOrchestrator(workers=measuring.FAN_WIDTH),
        artifact_store=LocalArtifactStore(),
    )
    run = fanned.run(stack=stack, seed=seed)
    return lambda: sum(run[f"pause_{position}"].output.load() for position in range(measuring.FAN_WIDTH))


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again=chain, fan=fan)
