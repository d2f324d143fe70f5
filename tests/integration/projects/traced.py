"""Steps for the tests of traces."""

import os
import signal

from plugbay import current, pipeline, step


@step(cache=False)
def load() -> int:
    return 1


@step(cache=False)
def double(number: int) -> int:
    return 2 * number


@step(cache=False)
def betray(number: int) -> int:
    msg = f"{number}: the key is {current().secret('vault.key')}"
    raise ValueError(msg)


@step(cache=False)
def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pipeline
def chain() -> None:
    double(double(load()))


@pipeline
def fan() -> None:
    one = load()
    for _ in range(4):
        double(one)


@pipeline
def betrayal() -> None:
    betray(load())


@pipeline
def death() -> None:
    one = load()
    double(one)
    die(one)
