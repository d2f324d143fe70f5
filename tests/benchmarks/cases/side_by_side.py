"""What processes cost each other that run pipelines on one store at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve
from filelock import FileLock

from benchmarks.case import Bench, Case, in_turns
from benchmarks.cases.chains import chain
from benchmarks.measuring import Fresh, Sample, fresh
from plugbay.stack.facades.artifact_store import ArtifactStore

PROCESSES = 8


def chains(runs: int, length: int) -> Callable[[], dict[str, float]]:
    """Prepare: run chains one after the other, and note the longest wait for a lock and for a durable write."""
    longest = {"lock": 0.0, "durable put": 0.0}
    FileLock.acquire = _timed(FileLock.acquire, lambda *_, **__: "lock", longest)  # type: ignore[method-assign]
    put = _timed(ArtifactStore.put, lambda *_, durable=True, **__: "durable put" if durable else None, longest)
    ArtifactStore.put = put  # type: ignore[method-assign]
    chain.run(length=2, seed=time.time_ns())
    longest.update(dict.fromkeys(longest, 0.0))

    def run() -> dict[str, float]:
        for _ in range(runs):
            chain.run(length=length, seed=time.time_ns())
        return longest

    return run


def _timed(
    function: Callable[..., Any], kind: Callable[..., str | None], longest: dict[str, float]
) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            name = kind(*arguments, **named)
            if name is not None:
                longest[name] = max(longest[name], time.perf_counter() - start)

    return timed


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the case."""
    length = 50 if bench.quick else 200
    yield Case(
        name=f"{PROCESSES} processes at once, {PROCESSES} x {length} steps",
        floor="one process, one run after the other",
        pair=in_turns(lambda: _at_once(length), lambda: fresh(chains, PROCESSES, length)),
        rounds=bench.rounds(5),
    )


def _at_once(length: int) -> Sample:
    processes = [Fresh(chains, 1, length) for _ in range(PROCESSES)]
    for process in processes:
        process.wait_until_ready()
    start = time.perf_counter()
    for process in processes:
        process.go()
    samples = [process.sample() for process in processes]
    wall = time.perf_counter() - start
    noted = [sample.noted or {} for sample in samples]
    longest = {f"longest {name}": max(one[name] for one in noted) for name in noted[0]}
    return evolve(samples[0], wall=wall, cpu=sum(sample.cpu for sample in samples), peak=None, noted=longest)
