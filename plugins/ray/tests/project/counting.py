"""A pipeline that lies in no installed distribution: its code has to be brought to the workers."""

import os
import subprocess
import time
from pathlib import Path

import wording

from plugbay import pipeline, step


def _note(directory: str, name: str, text: str) -> None:
    with Path(directory, name).open("a") as file:
        file.write(text)


@step
def first(directory: str) -> str:
    _note(directory, "first", "x")
    subprocess.run(["echo", "said by a child"], check=True)
    return wording.GREETING


@step(retries=1)
def slow(greeting: str, directory: str, seconds: float, number: int) -> str:
    """Tell which worker this is, and wait."""
    _note(directory, "places", f"{wording.__file__}\n")
    _note(directory, f"slow-{number}", f"{os.getpid()}\n")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not Path(directory, "go").exists():
        time.sleep(0.02)
    return f"{greeting} {number}"


@step(timeout=60)
def joined(parts: list[str]) -> str:
    return ", ".join(parts)


@pipeline
def counting(directory: str, seconds: float = 600.0, count: int = 4):
    greeting = first(directory)
    joined([slow(greeting, directory, seconds, number, id=f"slow_{number}") for number in range(count)])
