"""``python -m plugbay_dask.step_server``: execute payloads that a Dask worker sends, until it is gone or sends no more."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import StepPayload

RETURNED = b"r"
"""Starts a reply that holds what the payload returned."""
RAISED = b"e"
"""Starts a reply that holds the pickled exception that kept the payload from returning."""
IDLE = 60.0
"""Seconds after which a process without work ends."""


def serve(connection: Connection) -> None:
    """Execute the pickled payloads that come through ``connection``, each with its run's id, and send the results back."""
    run = ""
    last: StepPayload | None = None
    try:
        while connection.poll(IDLE):
            request = connection.recv_bytes()
            try:
                wanted, payload = pickle.loads(request)  # noqa: S301  it comes from the driver, by way of the worker
                if last is not None and wanted != run:
                    last.release()
                run, last = wanted, payload
                reply = RETURNED + payload()
            except BaseException as error:  # noqa: BLE001  the driver is told, whatever it is
                reply = RAISED + _pickled(error)
            connection.send_bytes(reply)
    except (EOFError, OSError):
        pass  # the worker has closed its end
    finally:
        if last is not None:
            last.release()


def _end_with(lifeline: int) -> None:
    """Kill this process and those it started when the worker, which holds the other end, is gone."""
    os.read(lifeline, 1)
    os.killpg(0, signal.SIGKILL)


def _pickled(error: BaseException) -> bytes:
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)  # noqa: S301  the bytes were made here
    except Exception:  # noqa: BLE001  classes of exceptions break pickling in every way there is
        return pickle.dumps(RuntimeError("".join(traceback.format_exception(error)).rstrip()))
    return pickled


if __name__ == "__main__":
    socket, lifeline = map(int, sys.argv[1:])
    threading.Thread(target=_end_with, args=(lifeline,), name="plugbay-worker-watch", daemon=True).start()
    serve(Connection(socket))
