"""What a step costs: durable, answered from the cache, in a long run, in a plan."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import floors
from benchmarks.case import Bench, Case, Pair, in_turns
from benchmarks.measuring import Sample, measured
from plugbay import pipeline, step

_BY_HAND = "pickle, fsync, rename, fsync of the directory"


@step
def increment(number: int) -> int:
    """Do nothing worth the while."""
    return number + 1


@pipeline
def chain(length: int, seed: int) -> None:
    """``length`` steps, each waiting for the one before."""
    number = increment(seed)
    for _ in range(length - 1):
        number = increment(number)


@pipeline
def many(count: int, seed: int) -> None:
    """``count`` calls of one step, each with a small output."""
    increment.map([seed + number for number in range(count)])


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    by_hand = _floor(bench, floors.pickles)
    for name, other in (("and a SQLite row", floors.pickles_with_rows), ("a small .npy instead", floors.small_arrays)):
        pair = in_turns(_floor(bench, other), by_hand)
        yield Case(name=f"by hand, {name}", floor=_BY_HAND, pair=pair, rounds=bench.rounds(7))
    for length, rounds in ((100, 9), (1000, 5), (5000, 3)):
        pair = in_turns(partial(durable_step, length), by_hand)
        yield Case(
            name=f"durable step, chain of {length:,}",
            floor=_BY_HAND,
            budget=2.0,
            pair=pair,
            rounds=bench.rounds(rounds),
            long=length > 1000,
        )
    with_row = in_turns(lambda: durable_step(1000), _floor(bench, floors.pickles_with_rows))
    yield Case(
        name="durable step, by hand with a row",
        floor="the same and a SQLite row",
        pair=with_row,
        rounds=bench.rounds(5),
    )
    for length in (1000, 5000):
        yield Case(
            name=f"durable step at {length:,}",
            floor="a step in a chain of 100",
            budget=1.2,
            pair=in_turns(partial(durable_step, length), lambda: durable_step(100)),
            rounds=bench.rounds(3),
            long=length > 1000,
        )
    for length in (100, 1000):
        yield Case(
            name=f"cached step, chain of {length:,}",
            floor="the durable step that it repeats",
            budget=0.1,
            pair=partial(_cached, length),
            rounds=bench.rounds(5),
        )
    outputs = 1000 if bench.quick else 10_000
    yield Case(
        name=f"small output, one of {outputs:,} of a map",
        floor=_BY_HAND,
        pair=in_turns(
            lambda: measured(lambda: many.run(stack="inline", count=outputs, seed=_seed())).per(outputs), by_hand
        ),
        rounds=bench.rounds(3),
    )
    yield Case(
        name="planning a step, 10,000 steps",
        floor="the same in a plan of 100",
        pair=in_turns(lambda: _planned(10_000), lambda: _planned(100)),
        rounds=bench.rounds(5),
    )


def durable_step(length: int) -> Sample:
    """A step of a chain that is computed."""
    return measured(lambda: chain.run(length=length, seed=_seed())).per(length)


def _cached(length: int, _number: int) -> Pair:
    seed = _seed()
    computed = measured(lambda: chain.run(length=length, seed=seed))
    again = measured(lambda: chain.run(length=length, seed=seed))
    return again.per(length), computed.per(length)


def _planned(length: int) -> Sample:
    repetitions = 10_000 // length
    sample = measured(lambda: [chain.compile(length=length, seed=1) for _ in range(repetitions)])
    return sample.per(length * repetitions)


def _floor(bench: Bench, by_hand: Callable[[Path, int], None]) -> Callable[[], Sample]:
    count = 300
    return lambda: measured(lambda: by_hand(bench.folder(), count)).per(count)


def _seed() -> int:
    """A number that no run had before, so that nothing is answered from the cache."""
    return time.time_ns()
