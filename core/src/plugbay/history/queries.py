"""The history of a store: ``plugbay.runs()`` and ``plugbay.get_run(id)``."""

from __future__ import annotations

from plugbay.history.index import RunIndex
from plugbay.history.reader import Reader
from plugbay.history.run import Run
from plugbay.stack import Stack


def runs(
    *,
    stack: str | Stack | None = None,
    limit: int | None = None,
    status: str | None = None,
    pipeline: str | None = None,
) -> list[Run]:
    """Return the runs in the artifact store of a stack (the configured default), newest first."""
    reader = reader_of(stack)
    rows = RunIndex.of(reader.stack).rows(reader, limit=limit, status=status, pipeline=pipeline)
    return [_run(row.id, reader) for row in rows]


def get_run(run_id: str, *, stack: str | Stack | None = None) -> Run:
    """Return a run by its id, the beginning or the end of it, or ``last``.

    Raises :class:`plugbay.errors.NotFoundError` when the artifact store has no such run.
    """
    reader = reader_of(stack)
    return _run(reader.full_id(run_id), reader)


def reader_of(stack: str | Stack | None) -> Reader:
    """A reader of the stack's artifact store."""
    return Reader(stack if isinstance(stack, Stack) else Stack.load(stack))


def _run(run_id: str, reader: Reader) -> Run:
    return Run(reader.run_record(run_id), reader.end_record(run_id), reader)
