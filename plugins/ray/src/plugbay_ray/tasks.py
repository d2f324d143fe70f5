"""The Ray task that executes one attempt of a step."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import StepPayload

_last: tuple[str, StepPayload] | None = None
"""The run that this worker has served last, and a payload of it, which knows what the process holds for the run."""


def execute(request: bytes, beginning: tuple[Any, str] | None = None) -> bytes:
    """Execute a pickled payload, which comes with its run's id, in the worker's main thread; return what it returned.

    :param beginning: the :class:`~plugbay_ray.beginnings.Board` that is told first, and what it is told.
    """
    global _last
    if beginning is not None:
        board, key = beginning
        board.note.remote(key)
    run, payload = pickle.loads(request)  # noqa: S301  it comes from the driver
    if _last is not None and _last[0] != run:
        _last[1].release()
    _last = run, payload
    result: bytes = payload()
    return result
