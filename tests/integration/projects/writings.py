"""Steps that write in every way there is; each piece is one word of the form ``L3-14``."""

import contextlib
import ctypes
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from plugbay import Stack, pipeline, step
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator

log = logging.getLogger(__name__)
at_import = logging.StreamHandler()
configured = logging.getLogger(f"{__name__}.configured")
configured.addHandler(at_import)
configured.propagate = False


def by_forked_child(word: str) -> None:
    child = os.fork()
    if child == 0:
        os.write(1, f"{word}\n".encode())
        os._exit(0)
    os.waitpid(child, 0)


def by_buffer(word: str) -> None:
    sys.stdout.buffer.write(f"{word}\n".encode())
    sys.stdout.buffer.flush()


def by_parts(word: str) -> None:
    print(word[:2], end="")
    print(word[2:])


def by_parts_of_two(word: str) -> None:
    print(word[:2], end="", flush=True)
    os.write(1, f"{word[2:]}\n".encode())


def by_thread(word: str) -> None:
    thread = threading.Thread(target=print, args=(word,))
    thread.start()
    thread.join()


def by_pool(word: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        pool.submit(print, word).result()


def by_redirection(word: str) -> None:
    with contextlib.redirect_stderr(sys.stdout):
        print(word, file=sys.stderr)


def by_copy_of_the_descriptor(word: str) -> None:
    copy = os.dup(1)
    os.write(copy, f"{word}\n".encode())
    os.close(copy)


def by_library_of_c(word: str) -> None:
    library = ctypes.CDLL(None)
    library.puts(word.encode())
    library.fflush(None)


WAYS: dict[str, Callable[[str], object]] = {
    "print": print,
    "print in parts": by_parts,
    "print a part, and the rest to the descriptor": by_parts_of_two,
    "print nothing more": lambda word: print(f"{word}\n", end=""),
    "print to standard error": lambda word: print(word, file=sys.stderr),
    "print to the first standard output": lambda word: print(word, file=sys.__stdout__, flush=True),
    "print over the line": lambda word: print(f"50 %\r{word}"),
    "a long line": lambda word: print(word + "x" * 100_000),
    "lines": lambda word: sys.stderr.writelines([word, "\n"]),
    "logging": log.warning,
    "a logger with a handler": configured.warning,
    "the buffer": by_buffer,
    "descriptor 1": lambda word: os.write(1, f"{word}\n".encode()),
    "descriptor 2": lambda word: os.write(2, f"{word}\n".encode()),
    "a copy of the descriptor": by_copy_of_the_descriptor,
    "bytes that are no UTF-8": lambda word: os.write(1, b"\xff\xfe " + word.encode() + b"\n"),
    "a library of C": by_library_of_c,
    "a child": lambda word: subprocess.run(["echo", word], check=True),
    "a child's standard error": lambda word: subprocess.run(["sh", "-c", 'echo "$0" >&2', word], check=True),
    "a child of a child": lambda word: subprocess.run(["sh", "-c", 'sh -c "echo $0"', word], check=True),
    "a shell": lambda word: os.system(f"echo {word}"),
    "a child whose output is taken": lambda word: print(
        subprocess.run(["echo", word], check=True, capture_output=True, text=True).stdout, end=""
    ),
    "a forked child": by_forked_child,
    "a thread": by_thread,
    "a pool": by_pool,
    "a redirection": by_redirection,
}


def word(number: int, index: int) -> str:
    return f"L{number}-{index}."


@step(cache=False)
def write(number: int, ways: list[str], before: int = 0) -> int:
    for index, way in enumerate(ways):
        WAYS[way](word(number, index))
    return number


@pipeline
def in_a_chain(given: list[list[str]]) -> None:
    before = 0
    for number, ways in enumerate(given):
        before = write(number, ways, before)


@pipeline
def side_by_side(given: list[list[str]]) -> None:
    for number, ways in enumerate(given):
        write(number, ways)


@step(cache=False)
def leave_a_thread(number: int, before: int = 0) -> int:
    def late() -> None:
        time.sleep(0.05)
        print(word(number, 1))

    print(word(number, 0))
    threading.Thread(target=late).start()
    return number


@pipeline
def with_late_threads(given: int) -> None:
    before = 0
    for number in range(given):
        before = leave_a_thread(number, before)
        before = write(number, ["print", "a child"], before)


if __name__ == "__main__":
    name, workers, given = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    stack = Stack(orchestrator=LocalOrchestrator(workers=workers), artifact_store=LocalArtifactStore(path="store"))
    run = globals()[name].run(stack=stack, given=given)
    Path("found.json").write_text(json.dumps([found.log() for found in run.steps]))
