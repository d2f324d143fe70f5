"""What a large array costs on its way from step to step, in time and in memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from attrs import evolve

from benchmarks import floors
from benchmarks.case import Bench, Case, Pair, in_turns
from benchmarks.measuring import Sample, fresh
from plugbay import pipeline, step


@step
def make_array(megabytes: int, seed: int) -> np.ndarray:
    """Make it."""
    return floors.make_array(megabytes)


@step
def read_array(array: np.ndarray) -> int:
    """Use it."""
    return floors.read_array(array)


@pipeline
def hand_over(megabytes: int, seed: int) -> None:
    """One array from step to step."""
    read_array(make_array(megabytes, seed))


def handed_over(megabytes: int) -> Callable[[], object]:
    """Prepare: everything is imported by a run with a small array."""
    hand_over.run(megabytes=1, seed=time.time_ns())
    return lambda: hand_over.run(megabytes=megabytes, seed=time.time_ns())


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    for megabytes, rounds in ((256, 5), (2048, 3)):
        size = f"{megabytes} MB" if megabytes < 1024 else f"{megabytes >> 10} GB"
        pairs: list[Pair] = []
        taken = in_turns(
            partial(fresh, handed_over, megabytes),
            partial(_by_hand, bench, megabytes),
        )
        yield Case(
            name=f"{size} array, step to step",
            floor="np.save, fsync, rename, fsync, np.load",
            budget=1.25,
            pair=_kept(taken, pairs),
            rounds=bench.rounds(rounds),
            long=megabytes > 1024,
        )
        again = iter(pairs)
        yield Case(
            name=f"{size} array, peak memory",
            floor="the array itself",
            budget=2.0,
            pair=_peaks(again, taken, megabytes),
            rounds=len(pairs[1:]) or bench.rounds(rounds),
            unit="MB",
            long=megabytes > 1024,
        )


def _by_hand(bench: Bench, megabytes: int) -> Sample:
    return fresh(floors.large_array, str(bench.folder()), megabytes)


def _kept(taken: Callable[[int], Pair], pairs: list[Pair]) -> Callable[[int], Pair]:
    def pair(number: int) -> Pair:
        pairs.append(taken(number))
        return pairs[-1]

    return pair


def _peaks(again: Iterator[Pair], taken: Callable[[int], Pair], megabytes: int) -> Callable[[int], Pair]:
    """The memory of the processes that were timed; other processes where these were not asked for."""

    def pair(number: int) -> Pair:
        measured, _ = next(again, None) or taken(number)
        array = Sample(wall=measured.wall, cpu=measured.cpu, peak=megabytes << 20)
        return evolve(measured), array

    return pair
