"""What it costs that a step's output is captured."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from attrs import evolve

from benchmarks.case import Bench, Case, Pair
from benchmarks.measuring import fresh
from plugbay import Pipeline, pipeline, step

Prepare: TypeAlias = Callable[[float], Callable[[], object]]

LINES = 10_000
"""A second."""
_TICK = 0.01


@step
def talk(seconds: float, seed: int) -> int:
    """Print lines, evenly over the time."""
    begin, printed = time.monotonic(), 0
    while printed < seconds * LINES:
        for _ in range(int(LINES * _TICK)):
            print("epoch 3, step 1200: loss 0.0713, accuracy 0.9821")
            printed += 1
        time.sleep(max(0.0, begin + printed / LINES - time.monotonic()))
    return printed


@pipeline
def talking(seconds: float, seed: int) -> None:
    """One step that prints."""
    talk(seconds, seed)


@pipeline
def talking_aside(seconds: float, seed: int) -> None:
    """One step that prints beside another one, so that it is given to a worker process."""
    talk(seconds, seed)
    talk(0.0, seed + 1)


def captured(seconds: float) -> Callable[[], object]:
    """Prepare: the step in a run, its standard output going nowhere else."""
    return _captured(talking, seconds)


def captured_aside(seconds: float) -> Callable[[], object]:
    """Prepare: the same in a worker process."""
    return _captured(talking_aside, seconds)


def silent_run(seconds: float) -> Callable[[], object]:
    """Prepare: the function called plainly, then a run of a step that prints next to nothing."""
    return _silent(talking, seconds)


def silent_aside(seconds: float) -> Callable[[], object]:
    """Prepare: the same in a worker process."""
    return _silent(talking_aside, seconds)


def _captured(pipeline: Pipeline[..., None], seconds: float) -> Callable[[], object]:
    pipeline.run(seconds=0.1, seed=time.time_ns())
    return _to_nowhere(lambda: pipeline.run(seconds=seconds, seed=time.time_ns()))


def _silent(pipeline: Pipeline[..., None], seconds: float) -> Callable[[], object]:
    pipeline.run(seconds=0.1, seed=time.time_ns())

    def run() -> None:
        talk(seconds, 0)
        pipeline.run(seconds=0.01, seed=time.time_ns())

    return _to_nowhere(run)


def _to_nowhere(function: Callable[[], object]) -> Callable[[], object]:
    def call() -> None:
        with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
            function()

    return call


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    seconds = 1.0 if bench.quick else 3.0
    for where, measure, beside in (("", captured, silent_run), (", in a worker", captured_aside, silent_aside)):
        yield Case(
            name=f"capturing {LINES:,} lines a second{where}",
            floor="the time the step takes",
            budget=0.01,
            pair=partial(_cost, measure, beside, seconds),
            rounds=bench.rounds(5),
        )


def _cost(measure: Prepare, beside: Prepare, seconds: float, _number: int) -> Pair:
    """The processor time that capturing adds, beside the time by the clock."""
    with_capture, without = fresh(measure, seconds), fresh(beside, seconds)
    cost = max(0.0, with_capture.cpu - without.cpu)
    return evolve(with_capture, wall=cost, cpu=cost), evolve(without, wall=seconds)
