"""Steps that print far too much: 10,000 lines a second for 30 seconds, a line of 100 MB, bytes that are no text."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from faultlab.lab import Lab
from faultlab.tally import Tally

SECONDS = 30
LINE = 100 << 20
RATE = 10_000
BASE = 160 << 20
"""What a driver may take that has nothing to do with what steps print."""
STEPS = """\
import os
import random
import sys
import time

from plugbay import pipeline, step


@step
def flood(seconds: int, rate: int) -> float:
    began = time.monotonic()
    for number in range(seconds * rate):
        print(f"line {number}")
        if number % 100 == 0:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
    return time.monotonic() - began


@step
def endless(size: int) -> int:
    for _ in range(size >> 16):
        sys.stdout.write("x" * (1 << 16))
    print()
    print("y" * size)
    return size


@step
def noise(seed: int, size: int) -> str:
    text = random.Random(seed).randbytes(size).decode("latin-1")
    print("begin")
    for start in range(0, size, 777):
        sys.stdout.write(text[start : start + 777])
    print("\\nend")
    return ""


@step
def binary(seed: int, size: int) -> str:
    print("begin")
    sys.stdout.flush()
    content = random.Random(seed).randbytes(size)
    written = 0
    while written < size:
        written += os.write(1, content[written : written + 5000])
    print("\\nend")
    return ""


@pipeline
def volume(seconds: int, size: int) -> None:
    flood(seconds, 10_000)
    endless(size)
    noise(1, 1 << 20)


@pipeline
def raw() -> None:
    # two side by side, so that each has a worker of its own
    binary(2, 1 << 20)
    binary(3, 1 << 20)
"""


def run(lab: Lab, pipeline: str, *words: str) -> int:
    """Run a pipeline to its end and return the most memory that its driver has had, in bytes."""
    (lab.project / "volume.py").write_text(STEPS)
    process = lab.start("run", f"volume.py:{pipeline}", *words)
    most = 0
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        told = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        most = max(most, int(told[0]) << 10 if told else 0)
        time.sleep(0.05)
    assert process.wait() == 0
    return most


def log_of(lab: Lab, step: str) -> bytes:
    (path,) = lab.store.glob(f"runs/*/logs/{step}.1.log")
    return path.read_bytes()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("stack", ["pool", "inline"])
def test_all_of_very_much_is_kept_in_order(stack: str, lab: Lab, tally: Tally) -> None:
    """Injects: 10,000 lines a second, two lines of 100 MB (one in pieces), 1 MB of characters of every kind. Proves: the logs have all
    of it in order, the step is not slowed down, and the driver's memory does not grow with what is printed (inline, where the step
    itself holds the line, by no more than five times it)."""
    most = run(lab, "volume", "-p", f"seconds={SECONDS}", "-p", f"size={LINE}", "--stack", stack)
    tally.fault("steps that print too much", 3)
    assert log_of(lab, "flood").decode().splitlines() == [f"line {number}" for number in range(SECONDS * RATE)]
    assert lab.value("flood") < SECONDS * 1.5
    assert log_of(lab, "endless") == b"x" * LINE + b"\n" + b"y" * LINE + b"\n"
    told = random.Random(1).randbytes(1 << 20).decode("latin-1").encode()
    assert log_of(lab, "noise") == b"begin\n" + told + b"\nend\n"
    assert most < BASE + (5 * LINE if stack == "inline" else 0), f"{most >> 20} MiB"
    shown = lab.plugbay("logs", "last", "flood")
    assert shown.code == 0
    assert len(shown.out.splitlines()) == SECONDS * RATE
    tally.recovery()


def test_bytes_that_are_no_text_are_kept_as_they_are(lab: Lab, tally: Tally) -> None:
    """Injects: 1 MB of random bytes on descriptor 1 of a worker. Proves: the log has them to the byte, and it can be shown."""
    most = run(lab, "raw", "--stack", "pool")
    tally.fault("steps that print too much")
    assert log_of(lab, "binary") == b"begin\n" + random.Random(2).randbytes(1 << 20) + b"\nend\n"
    assert most < BASE
    shown = lab.plugbay("logs", "last", "binary")
    assert shown.code == 0, shown.err
    assert shown.out.endswith("\nend\n")
    tally.recovery()
