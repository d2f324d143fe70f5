"""Steps that print: until they are killed, in bytes that are no text, and through child processes."""

import os
import signal
import subprocess
import sys

from plugbay import pipeline, step

CHILD = """
import os, sys
for number in range(10_000):
    os.write(1, f"{sys.argv[1]} {number}\\n".encode())
"""


@step
def mortal(lines: int) -> int:
    for number in range(lines):
        print(f"line {number}")
    os.kill(os.getpid(), signal.SIGKILL)
    return lines


@step
def noise() -> int:
    print("before")
    sys.stdout.flush()
    os.write(1, bytes(range(256)) + b"\n")
    print("after")
    return 1


@step
def crowd() -> int:
    children = [subprocess.Popen([sys.executable, "-c", CHILD, name]) for name in ("one", "two")]
    return sum(child.wait() for child in children)


@pipeline(failure="continue")
def talk(lines: int = 1000) -> None:
    mortal(lines)
    noise()
    crowd()
