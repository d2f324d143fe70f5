"""A local index over the runs of a store: derived, disposable, brought up to date whenever it is asked."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from plugbay.derived_table import DerivedTable
from plugbay.errors import PlugbayError
from plugbay.home import index_directory
from plugbay.store.distant import each
from plugbay.store.documents import EndRecord, RunRecord
from plugbay_hookspecs.types import RunStatus

if TYPE_CHECKING:
    from plugbay.history.reader import Reader
    from plugbay.stack import Stack

_VERSION = 1
_TABLE = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, stack TEXT NOT NULL, status TEXT NOT NULL,
    created REAL NOT NULL, seconds REAL, steps INTEGER NOT NULL, error TEXT
) WITHOUT ROWID
"""


@frozen(kw_only=True)
class RunRow:
    """A run in a list of runs."""

    id: str
    pipeline: str
    stack: str
    status: RunStatus
    created: float
    """Seconds since the epoch."""
    seconds: float | None
    steps: int
    error: str | None


class RunIndex:
    """The index of one artifact store, in one file of this machine's cache directory."""

    def __init__(self, path: Path) -> None:
        """Keep the index in the file ``path``."""
        self._table = DerivedTable(path, "runs", _VERSION, _TABLE, timeout=10)

    @classmethod
    def of(cls, stack: Stack) -> RunIndex:
        """The index of the stack's artifact store."""
        store = stack.of_type("artifact_store")[0]
        identity = stack.artifact_store.url("runs") or repr(store.plugin)
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        return cls(index_directory() / f"{name}.sqlite")

    def rows(
        self,
        reader: Reader,
        *,
        limit: int | None = None,
        status: str | None = None,
        pipeline: str | None = None,
    ) -> list[RunRow]:
        """List runs, newest first, after bringing the index up to date with the store."""
        ids = reader.run_ids()
        try:
            with self._table.open() as connection:
                self._bring_up_to_date(connection, reader, ids)
                return _select(connection, limit, status, pipeline)
        except (sqlite3.Error, OSError):  # no place for an index: an index in memory does
            with closing(sqlite3.connect(":memory:")) as connection:
                connection.execute(_TABLE)
                self._bring_up_to_date(connection, reader, ids)
                return _select(connection, limit, status, pipeline)

    def _bring_up_to_date(self, connection: sqlite3.Connection, reader: Reader, ids: list[str]) -> None:
        """Read the runs that are new or may have changed: only a success is final, anything else can be resumed."""
        final = {row[0] for row in connection.execute("SELECT id FROM runs WHERE status = 'succeeded'")}
        known = {row[0] for row in connection.execute("SELECT id FROM runs")}

        def read(run_id: str) -> tuple[Any, ...] | None:
            try:
                record, end = reader.run_record(run_id), reader.end_record(run_id)
                return _row_of(record, end, reader.status(record, end))
            except PlugbayError:  # it is being deleted, or damaged: `show` says what is wrong with it
                return None

        with reader.access():
            rows = each(reader.store, read, (run_id for run_id in ids if run_id not in final))
        _insert(connection, [row for row in rows if row is not None])
        gone = known.difference(ids)
        connection.executemany("DELETE FROM runs WHERE id = ?", [(run_id,) for run_id in gone])


def _row_of(record: RunRecord, end: EndRecord | None, status: RunStatus) -> tuple[Any, ...]:
    return (
        record.id,
        record.plan.pipeline,
        record.stack,
        status,
        record.created,
        None if end is None else end.ended - record.created,
        len(record.plan.steps),
        None if end is None or end.error is None else _storable(f"{end.failed_step}: {end.error}"[:500]),
    )


def _storable(text: str) -> str:
    """The text with its lone surrogates, which no database takes and an undecodable file name has, as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _insert(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    connection.executemany("INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _select(
    connection: sqlite3.Connection, limit: int | None, status: str | None, pipeline: str | None
) -> list[RunRow]:
    rows = connection.execute(
        "SELECT id, pipeline, stack, status, created, seconds, steps, error FROM runs"
        " WHERE (:status IS NULL OR status = :status) AND (:pipeline IS NULL OR pipeline = :pipeline)"
        " ORDER BY id DESC LIMIT :limit",
        {"status": status, "pipeline": pipeline, "limit": -1 if limit is None else limit},
    )
    names = ("id", "pipeline", "stack", "status", "created", "seconds", "steps", "error")
    return [RunRow(**dict(zip(names, row, strict=True))) for row in rows]
