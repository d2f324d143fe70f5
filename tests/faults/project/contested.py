"""A pipeline whose steps tell when they begin although the store has a success of theirs already."""

import json
import os
import time
from pathlib import Path

from plugbay import current, pipeline, step


def begin() -> None:
    """Write down that the step begins, and whether that is once too often."""
    me, store, effects = current(), Path(os.environ["CONTESTED_STORE"]), os.environ["CONTESTED_EFFECTS"]
    found = (store / "runs" / me.run_id / "steps").glob(f"{me.step}.*.json")
    again = any(json.loads(record.read_text())["status"] == "succeeded" for record in found)
    line = f"{me.run_id} {me.step} {me.attempt} {'again' if again else 'first'}\n"
    descriptor = os.open(effects, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    os.write(descriptor, line.encode())
    os.close(descriptor)


@step(cache=False)
def one(seconds: float) -> int:
    begin()
    time.sleep(seconds)
    return 1


@step(cache=False)
def many(value: int, base: int, seconds: float) -> int:
    begin()
    time.sleep(seconds)
    return base + value


@step(cache=False)
def total(values: list[int], seconds: float) -> int:
    begin()
    time.sleep(seconds)
    return sum(values)


@step(cache=False)
def last(value: int, seconds: float) -> int:
    begin()
    time.sleep(seconds)
    return value * 2


@pipeline
def contested(seconds: float = 0.3, name: str = "") -> None:
    first = one(seconds)
    parts = many.map([1, 2, 3], base=first, seconds=seconds)
    last(total(parts, seconds), seconds)
