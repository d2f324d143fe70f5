"""Steps for a container: this module reaches it by the artifact store."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from plugbay import pipeline, step


@step
def numbers() -> list[int]:
    return [1, 2, 3]


@step(operator="box", resources={"memory": "512MiB", "cpu": 1}, cache=False)
def summed(values: list[int]) -> dict[str, object]:
    print("printed in the container")
    memory = [Path("/sys/fs/cgroup", name) for name in ("memory.max", "memory/memory.limit_in_bytes")]
    limit = next((path.read_text().strip() for path in memory if path.exists()), "")
    return {
        "sum": sum(values),
        "python": sys.executable,
        "plugbay": version("plugbay"),
        "contained": os.path.exists("/run/.containerenv"),
        "system": platform.freedesktop_os_release()["ID"],
        "limit": limit,
    }


@step(operator="box", requirements=["plugbay-contract-wheel>=1"], cache=False)
def with_a_requirement() -> str:
    import plugbay_contract_wheel

    return plugbay_contract_wheel.VALUE


@step(operator="box", resources={"memory": "256MiB"}, cache=False)
def greedy() -> int:
    return len(bytearray(2_000_000_000))


@step(operator="box", cache=False)
def broken() -> None:
    raise ValueError("mine")


@pipeline
def contained():
    summed(numbers())
    with_a_requirement()


@pipeline
def too_greedy():
    greedy()


@pipeline
def failing():
    broken()
