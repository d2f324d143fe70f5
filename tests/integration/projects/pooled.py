"""Steps for worker processes."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

from plugbay import current, pipeline, step


def note(place: str, text: str) -> None:
    with Path(place).open("a") as file:
        file.write(f"{text}\n")


@step
def same(place: str, pause: float = 0.3) -> int:
    note(place, "computed")
    time.sleep(pause)
    return 1


@step
def same_failing(place: str) -> int:
    note(place, "tried")
    time.sleep(0.3)
    raise ValueError("not today")


@step
def total(values: list[int]) -> int:
    return sum(values)


@step
def square(x: int) -> int:
    return x * x


@step
def numbers(count: int) -> list[int]:
    return list(range(count))


@step
def die() -> int:
    ctypes.string_at(0)
    return 1


@step
def leave() -> int:
    os._exit(3)


@step
def broken() -> int:
    raise ValueError("mine")


@step
def sleep(seconds: float, tag: str = "") -> str:
    time.sleep(seconds)
    return tag


@step(timeout=0.3)
def slow() -> int:
    time.sleep(600)
    return 1


@step(timeout=0.3)
def slow_and_deaf() -> int:
    end = time.monotonic() + 600
    while time.monotonic() < end:
        try:
            time.sleep(1)
        except BaseException:
            continue
    return 1


@step
async def soon(x: int) -> int:
    import asyncio

    await asyncio.sleep(0.01)
    current().log_metrics({"x": x})
    return x


@step
def chatty(lines: int) -> int:
    for line in range(lines):
        print("line", line)
        print("error", line, file=sys.stderr)
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    os.write(1, b"from below\n")
    print("no end", end="")
    return lines


@step
def killed_while_it_prints() -> int:
    for line in range(1000):
        print("line", line)
    os.kill(os.getpid(), 9)
    return 1


@step
def environment() -> dict[str, str]:
    return dict(os.environ)


@pipeline
def twins(place: str):
    total([same(place, id="one"), same(place, id="two"), same(place, id="three")])


@pipeline
def failing_twins(place: str):
    for name in ("one", "two", "three"):
        same_failing(place, id=name)


@pipeline
def accident(kind: str):
    steps = {"die": die, "leave": leave, "broken": broken}
    total([steps[kind](id="bad"), square(3)], id="after_bad")
    total([square(4, id="other"), square(5, id="another")], id="beside")


@pipeline
def squares(count: int):
    total(square.map(numbers(count)))


@pipeline
def late():
    slow()
    square(2)


@pipeline
def late_and_deaf():
    slow_and_deaf()
    square(2)


@pipeline
def asynchronous():
    total([soon(1), soon(2)])


@pipeline
def talk(lines: int):
    chatty(lines)
    square(2)


@pipeline
def last_words():
    killed_while_it_prints()
    square(2)


@pipeline
def settings():
    environment(id="here")
    environment.with_options(version="2")(id="there")


@pipeline(failure="fail-fast")
def hurried():
    sleep(600, "long")
    sleep(0.1, "short").after()
    broken()
