"""Measure the speed budgets, each as a ratio within this one run: ``tox run -e bench``.

Every figure stands beside a floor that is measured next to it, in turns, so that a busy machine slows both. Medians of
several rounds, with the smallest and the largest. ``--json FILE`` keeps the figures with the machine and the versions.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from plugbay import pipeline, step

PROGRAM = """
from plugbay import pipeline, step

@step
def one() -> int:
    return 1

@pipeline
def lone():
    one.with_options(cache=False)()

if __name__ == "__main__":
    lone.run()
"""


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


@step
def make_array(megabytes: int, seed: int) -> np.ndarray:
    """Random bytes: nothing that could be compressed."""
    return np.random.default_rng(seed).integers(0, 255, megabytes << 20, dtype=np.uint8)


@step
def use_array(array: np.ndarray) -> int:
    """Read every byte."""
    return int(array[::4096].sum())


@pipeline
def hand_over(megabytes: int, seed: int) -> None:
    """One array from step to step."""
    use_array(make_array(megabytes, seed))


Sample = tuple[float, float]
"""Seconds: what is measured, and its floor."""


def seconds(function: Callable[[], object]) -> float:
    """Wall-clock seconds of a call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def write_by_hand(directory: Path, count: int) -> None:
    """The floor of a durable step: pickle, write, fsync, atomic rename, fsync of the directory."""
    for number in range(count):
        target = directory / str(number)
        handle = os.open(f"{target}.part", os.O_WRONLY | os.O_CREAT)
        os.write(handle, pickle.dumps(number))
        os.fsync(handle)
        os.close(handle)
        os.rename(f"{target}.part", target)
        folder = os.open(directory, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


def array_by_hand(directory: Path, megabytes: int, seed: int) -> None:
    """The floor of an array from step to step: save, fsync, load."""
    array = np.random.default_rng(seed).integers(0, 255, megabytes << 20, dtype=np.uint8)
    with (directory / "array.npy").open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    int(np.load(directory / "array.npy")[::4096].sum())


def durable(root: Path, rounds: int, length: int) -> Iterator[Sample]:
    """A durable step in a chain, beside writing by hand."""
    for number in range(rounds):
        folder = Path(tempfile.mkdtemp(dir=root))
        floor = seconds(lambda folder=folder: write_by_hand(folder, min(length, 500))) / min(length, 500)
        seed = time.time_ns() + number
        yield seconds(lambda seed=seed: chain.run(length=length, seed=seed)) / length, floor


def cached(rounds: int, length: int) -> Iterator[Sample]:
    """A cached step, beside the durable one that made it."""
    for _ in range(rounds):
        seed = time.time_ns()
        computed = seconds(lambda seed=seed: chain.run(length=length, seed=seed)) / length
        yield seconds(lambda seed=seed: chain.run(length=length, seed=seed)) / length, computed


def scaling(rounds: int, long: int) -> Iterator[Sample]:
    """A step of a long chain, beside one of a chain of 100."""
    for _ in range(rounds):
        short = [seconds(lambda s=time.time_ns() + i: chain.run(length=100, seed=s)) / 100 for i in range(3)]
        seed = time.time_ns()
        yield seconds(lambda seed=seed: chain.run(length=long, seed=seed)) / long, statistics.median(short)


def arrays(root: Path, rounds: int, megabytes: int) -> Iterator[Sample]:
    """A large array from step to step, beside saving and loading it by hand."""
    for number in range(rounds):
        folder = Path(tempfile.mkdtemp(dir=root))
        floor = seconds(lambda folder=folder, n=number: array_by_hand(folder, megabytes, n))
        seed = time.time_ns()
        yield seconds(lambda seed=seed: hand_over.run(megabytes=megabytes, seed=seed)), floor


def processes(rounds: int, command: list[str], floor: list[str]) -> Iterator[Sample]:
    """A whole process, beside one that does the least."""
    for _ in range(rounds):
        yield _process(command), _process(floor)


def _process(command: list[str]) -> float:
    return seconds(lambda: subprocess.run(command, check=True, capture_output=True))


def figures(root: Path, *, quick: bool) -> Iterator[tuple[str, float, str, Iterator[Sample]]]:
    """Yield each budget: its name, the ratio it allows, what the floor is, and its samples."""
    rounds = 3 if quick else 7
    script = root / "lone.py"
    script.write_text(PROGRAM)
    python = sys.executable
    libraries = "import attrs, cattrs, pluggy, platformdirs, filelock"
    yield "durable step, chain of 100", 2.0, "by hand", durable(root, rounds, 100)
    yield "durable step, chain of 1,000", 2.0, "by hand", durable(root, 1 if quick else 3, 1000)
    yield "cached step, chain of 1,000", 0.1, "durable step", cached(1 if quick else 3, 1000)
    yield "step at 1,000", 1.2, "step at 100", scaling(1 if quick else 3, 1000)
    yield "step at 5,000", 1.2, "step at 100", scaling(1, 5000)
    yield "256 MB array, step to step", 1.25, "np.save + fsync + np.load", arrays(root, rounds, 256)
    yield "whole process, one step", 2.0, "importing the libraries", processes(rounds, [python, str(script)], [python, "-c", libraries])
    for option in ("--help", "--version"):
        command = [python, "-m", "plugbay", option]
        yield f"plugbay {option}", 2.5, "python -c pass", processes(4 * rounds, command, [python, "-c", "pass"])


def main() -> int:
    """Measure, print the table, and return 1 when a budget is exceeded."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    given = parser.parse_args()
    kept: list[dict[str, Any]] = []
    print(f"{'what':32} {'measured':>12} {'floor':>12} {'ratio':>7} {'from':>6} {'to':>6} {'budget':>7}  floor is")
    with tempfile.TemporaryDirectory(prefix="plugbay-bench-", ignore_cleanup_errors=True) as directory:
        root = Path(directory)
        os.environ["PLUGBAY_HOME"] = directory
        os.environ["PLUGBAY_OBSERVERS"] = "[]"
        for name, budget, what, samples in figures(root, quick=given.quick):
            taken = list(samples)
            ratios = sorted(measured / floor for measured, floor in taken)
            measured, floor = (statistics.median(column) for column in zip(*taken, strict=True))
            ratio = statistics.median(ratios)
            kept.append({"what": name, "seconds": measured, "floor": floor, "ratio": ratio, "budget": budget})
            print(
                f"{name:32} {measured * 1e3:9.3f} ms {floor * 1e3:9.3f} ms {ratio:7.3f} {ratios[0]:6.2f} {ratios[-1]:6.2f}"
                f" {budget:7.2f}  {what}{'' if ratio <= budget else '   OVER'}",
                flush=True,
            )
    if given.json is not None:
        machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
        given.json.write_text(json.dumps({"machine": machine, "figures": kept}, indent=2))
    return int(any(figure["ratio"] > figure["budget"] for figure in kept))


if __name__ == "__main__":
    sys.exit(main())
