"""A table in a SQLite file of this machine that can be made anew from something else at any time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from attrs import frozen


@frozen
class DerivedTable:
    """Such a table, in a file that holds nothing else."""

    path: Path
    name: str
    version: int
    """Of its columns: a file with another one is made anew."""
    statement: str
    """What makes it."""
    timeout: float
    """Seconds to wait for another process that writes."""

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """Open the file, and commit at the end; one that is damaged or of another version is thrown away and made anew.

        Raises ``sqlite3.Error`` or ``OSError`` where there is no place for it.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connection = self._connect()
        except sqlite3.DatabaseError:
            self.path.unlink(missing_ok=True)
            connection = self._connect()
        with closing(connection), connection:
            yield connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=self.timeout)
        try:
            connection.execute("PRAGMA synchronous = OFF")
            if self._is_other(connection):
                with connection:
                    connection.execute("BEGIN IMMEDIATE")
                    if self._is_other(connection):  # nobody has made it meanwhile
                        connection.execute(f"DROP TABLE IF EXISTS {self.name}")
                        connection.execute(self.statement)
                        connection.execute(f"PRAGMA user_version = {self.version}")
        except BaseException:
            connection.close()
            raise
        return connection

    def _is_other(self, connection: sqlite3.Connection) -> bool:
        return bool(connection.execute("PRAGMA user_version").fetchone() != (self.version,))
