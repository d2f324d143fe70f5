"""What the case scripts share: the work of a step, and the measurement of a case inside its process.

Each script is called as ``<peer>_case.py CASE SEED`` with the peer's own Python and prints one line of JSON. It imports the
standard library only, and little of it, because importing it is part of what is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

CHAIN_LENGTH = 100
FAN_WIDTH = 8
FAN_SECONDS = 0.5

_NOTHING_MAY_RUN = "PEERS_NOTHING_MAY_RUN"

Workload = Callable[[int], Callable[[], int]]
"""Runs a pipeline for a seed; what it returns loads the result, which is not part of the measurement."""


def incremented(number: int) -> int:
    """The work of a step in a chain. Raises where every step should have been answered from a cache."""
    if _NOTHING_MAY_RUN in os.environ:
        msg = f"the step for {number} ran, although its result should have been kept"
        raise RuntimeError(msg)
    return number + 1


def paused(position: int) -> int:
    """The work of a step in a fan."""
    time.sleep(FAN_SECONDS)
    return position


def answer(*, one: Workload, chain: Workload, again: Workload | str, fan: Workload, warm: bool = True) -> None:
    """Run the case that the command line names, check its result, and print what it took.

    :param one: a pipeline of one step; its result is the seed plus one.
    :param chain: a pipeline of :data:`CHAIN_LENGTH` steps; its result is the seed plus their number.
    :param again: the same with every step kept from the call of ``chain`` in another process, or why there is none.
    :param fan: a pipeline of :data:`FAN_WIDTH` steps that sleep; its result is the sum of their positions.
    :param warm: run ``one`` first, so that a chain or a fan does not count what the peer does once in a process.
    """
    case, seed = sys.argv[1], int(sys.argv[2])
    workload, steps, expected = {
        "first": (one, 1, seed + 1),
        "one": (one, 1, seed + 1),
        "chain": (chain, CHAIN_LENGTH, seed + CHAIN_LENGTH),
        "again": (again, CHAIN_LENGTH, seed + CHAIN_LENGTH),
        "fan": (fan, FAN_WIDTH, sum(range(FAN_WIDTH))),
    }[case]
    if isinstance(workload, str):
        print(json.dumps({"case": case, "without": workload}), flush=True)
        return
    if warm and workload is not one:
        one(-time.time_ns())
    if case == "again":
        os.environ[_NOTHING_MAY_RUN] = "1"
    start = time.perf_counter()
    load = workload(seed)
    seconds = time.perf_counter() - start
    result = expected if case == "one" else load()  # there the whole process counts, and "first" has checked it
    if result != expected:
        msg = f"{case}: the result is {result}, and should be {expected}"
        raise ValueError(msg)
    print("\n" + json.dumps({"case": case, "seconds_total": seconds, "steps": steps}), flush=True)
