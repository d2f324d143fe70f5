"""The Dask task that executes one attempt of a step."""

from __future__ import annotations

from plugbay_dask.step_processes import step_processes

PREFIX = "plugbay-"
"""What the keys of the tasks begin with."""
BEGUN = "plugbay-begun"
"""The topic of the event with which a worker tells the scheduler that a task has begun."""


def execute(request: bytes) -> bytes:
    """Execute a pickled payload, which comes with its run's id, in a process beside the worker, which can be ended.

    Returns what it returned. Raises what kept it from returning, and :class:`ChildProcessError` when the process was lost.
    """
    from distributed import get_worker

    return step_processes.execute(get_worker().get_current_task(), request)
