"""What the pool of worker processes costs: fan-outs with a join, and steps that only wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

from benchmarks import floors
from benchmarks.case import Bench, Case, in_turns
from benchmarks.measuring import Sample, measured
from plugbay import pipeline, step

NAP = 0.5
"""Seconds."""


@step
def numbers(count: int, seed: int) -> list[int]:
    """Something to map over."""
    return [seed + number for number in range(count)]


@step
def square(number: int) -> int:
    """Do nothing worth the while."""
    return number * number


@step
def total(squares: list[int]) -> int:
    """Wait for all."""
    return sum(squares)


@step
def nap(number: int) -> int:
    """Keep no core busy."""
    time.sleep(NAP)
    return number


@pipeline
def fan_out(count: int, seed: int) -> None:
    """A step over a list, and a step over all its results."""
    total(square.map(numbers(count, seed)))


@pipeline
def naps(seed: int) -> None:
    """Eight steps that need nothing of each other."""
    for number in range(8):
        nap(seed + number)


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    for count in (100, 1000):
        yield Case(
            name=f"fan-out of {count:,} with a join, a call",
            floor="by hand in one process, a write",
            pair=in_turns(
                partial(_a_call, count),
                partial(_a_write, bench, count),
            ),
            rounds=bench.rounds(5 if count == 100 else 3),
        )
    yield Case(
        name="8 steps of 0.5 s, 8 workers",
        floor="0.5 s",
        pair=in_turns(
            lambda: measured(lambda: naps.run(stack="eight", seed=time.time_ns())),
            lambda: measured(lambda: time.sleep(NAP)),
        ),
        rounds=bench.rounds(5),
    )


def _a_call(count: int) -> Sample:
    return measured(lambda: fan_out.run(count=count, seed=time.time_ns())).per(count)


def _a_write(bench: Bench, count: int) -> Sample:
    return measured(lambda: floors.pickles(bench.folder(), count)).per(count)
