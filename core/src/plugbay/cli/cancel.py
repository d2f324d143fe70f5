"""Stop a run: what it has done so far is kept, and it can be resumed."""

from __future__ import annotations

import argparse
import os
import signal
from typing import TYPE_CHECKING

from plugbay.cli.parsing import add_run, add_stack
from plugbay.cli.terminal import say
from plugbay.cli.wording import short

if TYPE_CHECKING:
    from plugbay.store.documents import Driver


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_run(parser)
    add_stack(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.history.queries import reader_of
    from plugbay.store.ownership import is_cancel_requested, latest_driver, request_cancel

    reader = reader_of(arguments.stack)
    with reader.access():
        run_id = reader.full_id(arguments.run_id)
        record = reader.run_record(run_id)
        status = reader.status(record, reader.end_record(run_id))
        if status != "running":
            again = "" if status == "succeeded" else f"; to go on with it: plugbay run --resume {short(run_id)}"
            say(f"run {run_id} is not running: it {_was(status)}{again}")
            return 0
        driver = latest_driver(record.driver, reader.store, run_id)
        if is_cancel_requested(driver, reader.store, run_id):
            say(f"run {run_id} has been asked to stop already")
            return 0
        taken = reader.stack.orchestrator.cancel(run_id)
        # The signal first: a driver that has seen the request in the store takes a signal for a second, impatient one.
        signalled = _signal(driver, run_id)
        request_cancel(driver, reader.store, run_id)
    who = "the orchestrator's engine" if taken else f"process {driver.pid} on {driver.host}"
    soon = "" if signalled or taken else "; it looks for such requests every few seconds"
    say(f"{who} was asked to stop run {run_id}{soon}")
    return 0


def _was(status: str) -> str:
    return {"interrupted": "was interrupted", "cancelled": "was cancelled"}.get(status, status)


def _signal(driver: Driver, run_id: str) -> bool:
    """Interrupt the driver if it is known to live on this machine."""
    from plugbay.store.ownership import known_fate

    if known_fate(driver, run_id) != "alive":
        return False
    try:
        os.kill(driver.pid, signal.SIGINT)
    except OSError:  # another user's process: it finds the request in the store
        return False
    return True
