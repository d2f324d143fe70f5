"""``plugbay run --resume``: finding the run, its stack and its code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plugbay.cli.reporting import print_warning
from plugbay.code.target import load_object
from plugbay.config.schema import load_config
from plugbay.errors import NotFoundError
from plugbay.execution.driver import resume
from plugbay.execution.resuming import resumption
from plugbay.history.reader import Reader
from plugbay.history.run import Run
from plugbay.pipelines.pipeline import Pipeline
from plugbay.stack import Stack

if TYPE_CHECKING:
    from pathlib import Path

    from plugbay.store.documents import RunRecord


def resumed(run_id: str, *, target: str | None, stack_name: str | None, directory: Path | None = None) -> Run:
    """Go on with a run and return it once every step has succeeded; one that has succeeded already, as it is.

    :param target: where the pipeline is now, if it has moved.
    :param stack_name: the stack to go on with, instead of the one the run began on.
    :param directory: whose configuration counts; that of the current one by default.
    """
    stack = Stack.load(stack_name, directory=directory)
    reader = Reader(stack)
    with reader.access():
        full_id = reader.full_id(run_id)
        record = reader.run_record(full_id)
        end = reader.end_record(full_id)
        if reader.status(record, end) == "succeeded":
            print_warning("the run has succeeded already, there is nothing to go on with")
            return Run(record, end, reader)
        if stack_name is None:
            stack = _stack_of(record, stack, directory)
        finished = frozenset(attempt.step for attempt in reader.attempts(full_id) if attempt.status == "succeeded")
    pipeline: Pipeline[..., Any] | None = load_object(target, Pipeline, "pipeline") if target is not None else None
    found = resumption(record, finished, pipeline=pipeline)
    if found.unplannable is not None:
        print_warning(
            f"the pipeline cannot be compiled today, its steps are taken as they are found: {found.unplannable}"
        )
    if found.changed:
        steps = ", ".join(found.changed)
        print_warning(f"the code of steps still to be run has changed since the run was planned: {steps}")
    return resume(record, found.compiled, stack)


def _stack_of(record: RunRecord, active: Stack, directory: Path | None) -> Stack:
    """The stack that the run began on, if it is configured still and has the run; else the one that was read."""
    if record.stack == active.name or record.stack not in load_config(directory).stacks:
        return active
    stack = Stack.load(record.stack, directory=directory)
    try:
        Reader(stack).run_record(record.id)
    except NotFoundError:
        return active
    return stack
