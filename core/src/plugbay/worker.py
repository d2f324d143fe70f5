"""``python -m plugbay.worker RUN STEP ATTEMPT``: execute one attempt of a stored run in this process.

All it needs is the artifact store, whose settings (and those of the secrets managers that know its credentials) are in the
environment variable ``PLUGBAY_WORKER_STORE``: the task, the
code and the inputs lie there, and the record goes there. It exits with 0 once the attempt is recorded, whether the step
succeeded or not: the record tells.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plugbay.code.location import unpack
from plugbay.errors import DamagedDocumentError, PlugbayError, StoreError
from plugbay.execution.attempt import execute_attempt
from plugbay.execution.interruption import as_cancellation
from plugbay.execution.ready_step import STORE_VARIABLE
from plugbay.execution.session import Session
from plugbay.execution.tasks import Task, task_from_tree
from plugbay.masking import masked
from plugbay.stack import Stack
from plugbay.stack.shipping import stack_from, store_from
from plugbay.store.layout import source_key, task_key

_is_digest = re.compile(r"[0-9a-f]{64}").fullmatch


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute the attempt that the command line names; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m plugbay.worker", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("run", help="the run's id")
    parser.add_argument("step", help="the step's id in the plan")
    parser.add_argument("attempt", type=int, help="the number of the attempt")
    given = parser.parse_args(arguments)
    try:
        _work(given.run, given.step, given.attempt)
    except PlugbayError as error:
        print(f"error: {masked(str(error))}", file=sys.stderr)
        return error.exit_code
    return 0


def _work(run: str, step: str, attempt: int) -> None:
    description = os.environ.get(STORE_VARIABLE)
    if description is None:
        msg = f"{STORE_VARIABLE} is not set: it tells the worker where the artifact store is, as ReadyStep.environment() gives it"
        raise StoreError(msg)
    with tempfile.TemporaryDirectory(prefix="plugbay-code-", ignore_cleanup_errors=True) as directory:
        task, stack = _fetch(json.loads(description), task_key(run, step, attempt), Path(directory))
        with Session(stack, own_process=False) as session, as_cancellation():
            execute_attempt(task, session)


def _fetch(store_tree: dict[str, Any], key: str, directory: Path) -> tuple[Task, Stack]:
    """Read the task, unpack the code it needs, and build its stack."""
    with store_from(store_tree) as alone:
        store = alone.artifact_store
        try:
            source, task, stack = _parts_of(store.get(key), key)
            unpack(source, store.get(source_key(source)), directory)
        except FileNotFoundError as error:
            msg = f"the artifact store has no {error.filename or key}; the run was deleted, or this is another store"
            raise StoreError(msg) from error
    sys.path.insert(0, str(directory))
    return task, stack_from(stack)


def _parts_of(content: bytes, key: str) -> tuple[str, Task, dict[str, Any]]:
    """Read a task's document: the digest of the code, the task, and the stack. Raises :class:`DamagedDocumentError`."""
    try:
        document = json.loads(content)
        source, stack = document["source"], document["stack"]
        task = task_from_tree(document["task"])
        if not (isinstance(source, str) and _is_digest(source) and isinstance(stack, dict)):
            msg = "a digest of the code and a stack are needed"
            raise TypeError(msg)
    except Exception as error:
        msg = f"{key} is damaged: it is no task ({type(error).__name__}: {error})"
        raise DamagedDocumentError(msg) from error
    return source, task, stack


if __name__ == "__main__":
    sys.exit(main())
