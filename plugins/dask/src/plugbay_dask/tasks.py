"""The Dask task that executes one attempt of a step."""

from __future__ import annotations

from plugbay_dask.step_processes import step_processes

PREFIX = "plugbay-"
"""What the keys of the tasks begin with."""
BEGUN = "plugbay-begun"
"""The topic of the event with which a worker tells the scheduler that a task has begun."""


def execute(key: str, run: str, request: bytes) -> bytes:
    """Execute a pickled payload in a process beside the worker, which can be ended, and return what it returned.

    Raises what kept the payload from returning, and :class:`ChildProcessError` when the process was lost.
    """
    from distributed import get_worker

    get_worker().log_event(BEGUN, key)
    return step_processes.execute(key, run, request)
