"""What a worker process does: execute payloads until the driver is gone."""

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import StepPayload

READY = b"s"
"""What a worker sends once when it has started."""
RETURNED = b"r"
"""Starts a reply that holds what the payload returned."""
RETURNED_LAST = b"l"
"""The same, of a worker that executes no more: the step has left something in its process that no other one should find."""
RAISED = b"e"
"""Starts a reply that holds the pickled exception that kept the payload from returning."""


class PayloadError(RuntimeError):
    """A payload could not be executed, and the exception that tells why cannot be pickled."""


def serve(connection: Connection, environment: Mapping[str, str]) -> None:
    """Execute the pickled payloads that come through ``connection`` and send the results back.

    :param environment: the driver's; a fork server keeps the one it was started with.
    """
    # Ctrl-C reaches the whole foreground group, but what becomes of a step is the driver's decision.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A group of its own, so that a step that is cancelled takes the processes it started with it.
    os.setpgid(0, 0)
    if dict(os.environ) != environment:
        os.environ.clear()
        os.environ.update(environment)
    threading.Thread(target=_die_with_driver, name="plugbay-driver-watch", daemon=True).start()
    payload: StepPayload | None = None
    try:
        connection.send_bytes(READY)
        while request := connection.recv_bytes():
            try:
                payload = pickle.loads(request)  # noqa: S301  it comes from the driver that started this process
                assert payload is not None
                result = payload()
                # A payload of an older core does not say whether it has spent its process.
                reply = (RETURNED_LAST if getattr(payload, "spent", False) else RETURNED) + result
            except BaseException as error:  # noqa: BLE001  the driver is told, whatever it is
                reply = RAISED + _pickled(error)
            connection.send_bytes(reply)
            if reply.startswith(RETURNED_LAST):
                break
    except (EOFError, OSError):
        # The driver closed its end without a goodbye.
        pass
    finally:
        if payload is not None:
            payload.release()


def _die_with_driver() -> None:
    driver = multiprocessing.parent_process()
    assert driver is not None
    wait([driver.sentinel])
    os.killpg(0, signal.SIGKILL)


def _pickled(error: BaseException) -> bytes:
    error.add_note("".join(traceback.format_exception(error)).rstrip())
    try:
        pickled = pickle.dumps(error)
        pickle.loads(pickled)  # noqa: S301  the bytes were made here
    except Exception:  # noqa: BLE001  classes of exceptions break pickling in every way there is
        return pickle.dumps(PayloadError("".join(traceback.format_exception(error)).rstrip()))
    return pickled
