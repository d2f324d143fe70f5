"""A pipeline of steps that print, of values small and large, of a file and of a directory."""

# mypy: disable-error-code="call-arg"

import tempfile
import time
from pathlib import Path

from plugbay import pipeline, step


@step
def numbers(count: int) -> list[int]:
    return list(range(count))


@step(cache=False)
def work(number: int, seconds: float) -> bytes:
    print(f"working on {number}")
    time.sleep(seconds)
    return bytes([number]) * 100_000


@step
def folder(parts: list[bytes]) -> Path:
    directory = Path(tempfile.mkdtemp())
    for index, part in enumerate(parts):
        (directory / f"{index}.bin").write_bytes(part)
        (directory / f"{index}.txt").write_text(str(len(part)))
    return directory


@step
def total(directory: Path) -> int:
    return sum(int(file.read_text()) for file in directory.glob("*.txt"))


@pipeline
def wide(count: int = 6, seconds: float = 0.0):
    total(folder(work.map(numbers(count), seconds=seconds)))
