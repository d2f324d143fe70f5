"""The cases on joblib: functions cached by ``Memory``, and ``Parallel`` over them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import measuring
from joblib import Memory, Parallel, delayed

memory = Memory(Path.home() / "joblib", verbose=0)


@memory.cache
def increment(number: int) -> int:
    return measuring.incremented(number)


@memory.cache
def pause(position: int, seed: int) -> int:
    return measuring.paused(position)


def one(seed: int) -> Callable[[], int]:
    number = increment(seed)
    return lambda: number


def chain(seed: int) -> Callable[[], int]:
    number = seed
    for _ in range(measuring.CHAIN_LENGTH):
        number = increment(number)
    return lambda: number


def fan(seed: int) -> Callable[[], int]:
    positions = Parallel(n_jobs=measuring.FAN_WIDTH)(delayed(pause)(p, seed) for p in range(measuring.FAN_WIDTH))
    return lambda: sum(positions)


if __name__ == "__main__":
    measuring.answer(one=one, chain=chain, again=chain, fan=fan)
