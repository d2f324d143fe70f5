"""The SQLite online store of Feast, in which a newer value is not replaced by an older one."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.helpers import compute_table_id
from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
from feast.utils import to_naive_utc
from pydantic import StrictStr

_PATIENCE = 60.0
"""Seconds to wait for another process that writes."""


class NewestSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):  # type: ignore[misc] # Feast is untyped to mypy
    """The settings of Feast's own SQLite store."""

    type: StrictStr = "plugbay_feast.sqlite.NewestSqliteOnlineStore"


class NewestSqliteOnlineStore(SqliteOnlineStore):  # type: ignore[misc] # Feast is untyped to mypy
    """Writes what is newer than what is there, in one transaction; each thread has a connection of its own.

    The files are those of Feast's own SQLite store, which keeps times by the second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._connections = threading.local()

    def _get_conn(self, config: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._connections, "connection", None)
        if connection is None:
            path = Path(self._get_db_path(config))
            path.parent.mkdir(parents=True, exist_ok=True)
            kinds = sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES
            connection = sqlite3.connect(
                path, timeout=_PATIENCE, detect_types=kinds, check_same_thread=False, factory=_Connection
            )
            connection.execute("PRAGMA journal_mode = WAL")  # reading goes on while another writes
            self._connections.connection = connection
        return connection

    def online_write_batch(self, config: Any, table: Any, data: Sequence[Any], progress: Any) -> None:
        connection = self._get_conn(config)
        version = config.entity_key_serialization_version
        name = compute_table_id(config.project, table, config.registry.enable_online_feature_view_versioning)
        query = f'SELECT MAX(event_ts) AS "event_ts [timestamp]" FROM "{_escaped(name)}" WHERE entity_key = ?'  # noqa: S608
        connection.execute("BEGIN IMMEDIATE")
        try:
            newer = []
            for row in sorted(data, key=_moment):
                key = serialize_entity_key(row[0], entity_key_serialization_version=version)
                (known,) = connection.execute(query, (key,)).fetchone()
                if known is None or known <= _moment(row):
                    newer.append(row)
            super().online_write_batch(config, table, newer, None)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        if progress:
            progress(len(data))


class _Connection(sqlite3.Connection):
    """Closed when its thread ends."""

    def __del__(self) -> None:
        self.close()


def _moment(row: Sequence[Any]) -> datetime:
    """The time of a row as the file has it."""
    moment: datetime = to_naive_utc(row[2]).replace(microsecond=0)
    return moment


def _escaped(name: str) -> str:
    return name.replace('"', '""')
