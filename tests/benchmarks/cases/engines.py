"""What a step costs on an engine, beside a task of the engine that writes the same output as durably.

The cases are there for the engines that are installed. A cluster is started once; both sides connect to it each time, and
what is measured is a share of many steps.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import pickle
import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.case import Bench, Case, in_turns
from benchmarks.cases.chains import many
from benchmarks.measuring import TESTS, Sample, measured
from plugbay import Stack

_WORKERS = 2
_FLOOR = "a bare task: pickle, fsync, rename, fsync"


def write(directory: str, number: int) -> int:
    """The task of the floor."""
    floors.write_durably(Path(directory, str(number)), partial(pickle.dump, number))
    return number


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    count = 300 if bench.quick else 1000
    for name, package, engine in (("Ray", "plugbay_ray", _ray), ("Dask", "plugbay_dask", _dask)):
        if importlib.util.find_spec(package) is None:
            continue
        with contextlib.ExitStack() as stack:
            # Started when the case's turn comes, and ended when the next one is asked for.
            started = cache(partial(engine, stack))
            yield Case(
                name=f"a step as a {name} task, one of {count:,}",
                floor=_FLOOR,
                budget=1.3,
                pair=in_turns(
                    partial(_steps, started, bench, count),
                    partial(_tasks, started, bench, count),
                ),
                rounds=bench.rounds(7),
            )


def _steps(engine: Callable[[], tuple[Any, Any]], bench: Bench, count: int) -> Sample:
    from plugbay_local.artifact_store import LocalArtifactStore

    orchestrator, _ = engine()
    stack = Stack(orchestrator=orchestrator, artifact_store=LocalArtifactStore(path=bench.folder()))
    return measured(lambda: many.run(stack=stack, count=count, seed=time.time_ns())).per(count)


def _tasks(engine: Callable[[], tuple[Any, Any]], bench: Bench, count: int) -> Sample:
    _, tasks = engine()
    directory = str(bench.folder())
    return measured(lambda: tasks(directory, count)).per(count)


def _ray(stack: contextlib.ExitStack) -> tuple[Any, Callable[[str, int], object]]:
    """Ray on this machine; the orchestrator uses the connection that is there."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    from plugbay_ray.orchestrator import RayOrchestrator

    ray.init(
        "local",
        num_cpus=_WORKERS,
        include_dashboard=False,
        object_store_memory=100_000_000,
        log_to_driver=False,
        runtime_env={"env_vars": {"PYTHONPATH": str(TESTS)}},
        logging_level=logging.ERROR,
    )
    stack.callback(ray.shutdown)

    def tasks(directory: str, count: int) -> object:
        task = ray.remote(max_retries=0)(write)
        return ray.get([task.remote(directory, number) for number in range(count)])

    return RayOrchestrator(), tasks


def _dask(stack: contextlib.ExitStack) -> tuple[Any, Callable[[str, int], object]]:
    """Dask on this machine."""
    from distributed import Client, LocalCluster

    from plugbay_dask.orchestrator import DaskOrchestrator

    cluster = stack.enter_context(
        LocalCluster(
            n_workers=_WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=40
        )
    )

    def tasks(directory: str, count: int) -> object:
        with Client(cluster.scheduler_address, set_as_default=False) as client:
            return client.gather([client.submit(write, directory, number, pure=False) for number in range(count)])

    return DaskOrchestrator(address=cluster.scheduler_address), tasks
