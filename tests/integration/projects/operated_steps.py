"""Steps that a step operator runs, in a module that a worker can import."""

import os
import time
from pathlib import Path

from plugbay import step


@step(operator="box", cache=False)
def elsewhere(value: int) -> list[int]:
    print("printed there")
    return [value, os.getpid()]


@step(operator="box", cache=False)
def broken(value: int) -> int:
    raise ValueError("mine")


@step(operator="box", cache=False)
def killed(value: int) -> int:
    print("last words", flush=True)
    os._exit(9)


@step(operator="box", cache=False)
def slow(started: str) -> int:
    Path(started).touch()
    time.sleep(600)
    return 1


@step(cache=False)
def here(values: list[int]) -> list[int]:
    return [*values, os.getpid()]


@step(operator="box", resources={"gpu": 1})
def greedy() -> int:
    return 1
