"""Hooks of a feature store: values about entities, as they were at a time and as they are now. A stack has at most one.

A *feature* is named ``view:feature``. A name without a colon is that of a *service*, a selection of features that the
store keeps under a name. A *dataframe* is one of any library that supports the dataframe interchange protocol /
narwhals; what a store returns is one of the library that the store uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import FeatureDefinition, FeatureKind, PushTarget


@hookspec(firstresult=True)
@required
def feature_store_historical_features(entities: Any, features: Sequence[str], full_names: bool) -> Any:
    """Look up what was known of each entity at its own moment: a table to train on.

    Called in any process that has the stack, mostly in the one that executes a step. For each row and feature the value
    is the latest one that is not after the row's ``event_timestamp`` and not older than the view's time to live; null
    where there is none. Raises ``KeyError`` for a feature or service that the store does not know, ``ValueError`` for a
    table without a key column or ``event_timestamp``, for two features of one name without ``full_names``, and for a
    feature whose column the table has already.

    :param entities: a dataframe (any library that supports the dataframe interchange protocol / narwhals): the key
        columns of the features' entities, ``event_timestamp`` (UTC where it has no time zone) and any other columns.
    :param features: ``view:feature``, or the name of one service alone.
    :param full_names: name the columns ``view__feature`` instead of ``feature``.
    :returns: a dataframe with the rows of ``entities`` in the same order, its columns, and one for each feature.

    .. code-block:: python

        from collections.abc import Sequence
        from pathlib import Path
        from typing import Any

        from plugbay_hookspecs import component, hookimpl


        @component
        class ParquetFeatures:
            '''Keeps each view as a Parquet file, with pandas.'''

            folder: Path = Path("features")
            key: str = "id"
            days: float = 7.0

            @hookimpl
            def feature_store_historical_features(self, entities: Any, features: Sequence[str], full_names: bool) -> Any:
                import narwhals
                import pandas as pd

                table = narwhals.from_native(entities).to_pandas()
                table = table.assign(_position=range(len(table))).sort_values("event_timestamp")
                for feature in features:
                    view, _, name = feature.partition(":")
                    column = f"{view}__{name}" if full_names else name
                    if column in table:
                        msg = f"there are two columns {column}; use full names"
                        raise ValueError(msg)
                    known = pd.read_parquet(self.folder / f"{view}.parquet").sort_values("event_timestamp")
                    known = known[[self.key, "event_timestamp", name]].rename(columns={name: column})
                    oldest = pd.Timedelta(days=self.days)
                    table = pd.merge_asof(table, known, on="event_timestamp", by=self.key, tolerance=oldest)
                return table.sort_values("_position", ignore_index=True).drop(columns="_position")

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def feature_store_online_features(
    rows: Sequence[Mapping[str, object]], features: Sequence[str], full_names: bool
) -> Mapping[str, Sequence[object]]:
    """Look up what is known of entities now, fast enough to answer a request.

    Called in any process that has the stack. Raises ``KeyError`` and ``ValueError`` as
    :func:`feature_store_historical_features` does.

    :param rows: the key columns of each entity, by name, as plain values.
    :param features: ``view:feature``, or the name of one service alone.
    :param full_names: name the columns ``view__feature`` instead of ``feature``.
    :returns: for each key column and feature its values, one for each row, in their order; a value that is not known, or
        too old, is ``None``. ``None`` as a whole when the store has no online part.

    .. code-block:: python

        import sqlite3
        from collections.abc import Mapping, Sequence
        from contextlib import closing
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class SqliteFeatures:
            '''Keeps the latest value of each feature of each entity in an SQLite table.'''

            file: Path = Path("features.db")
            key: str = "id"

            @hookimpl
            def feature_store_online_features(
                self, rows: Sequence[Mapping[str, object]], features: Sequence[str], full_names: bool
            ) -> Mapping[str, Sequence[object]]:
                found: dict[str, list[object]] = {self.key: [row[self.key] for row in rows]}
                query = "SELECT value FROM latest WHERE view = ? AND feature = ? AND entity = ?"
                with closing(sqlite3.connect(self.file)) as store:
                    for feature in features:
                        view, _, name = feature.partition(":")
                        values = [store.execute(query, (view, name, row[self.key])).fetchone() for row in rows]
                        found[f"{view}__{name}" if full_names else name] = [value[0] if value else None for value in values]
                return found

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def feature_store_materialize(start: datetime | None, end: datetime, views: Sequence[str] | None) -> None:
    """Copy the values of a period from where history is kept to where they are read fast.

    Called in any process that has the stack. Idempotent: a newer value is never replaced by an older one. Raises
    ``KeyError`` for a view that the store does not know. Does nothing when the store has no online part.

    :param start: the first moment, with a time zone; ``None``: where the last materialization of each view ended, and
        the beginning of its history where there was none.
    :param end: the moment after the last, with a time zone.
    :param views: their names; ``None`` for all.

    .. code-block:: python

        from collections.abc import Sequence
        from datetime import datetime, timedelta
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl


        @component
        class Feast:
            '''Has Feast copy values to its online store.'''

            repository: Path = Path("feature_repo")

            @hookimpl
            def feature_store_materialize(
                self, start: datetime | None, end: datetime, views: Sequence[str] | None
            ) -> None:
                import feast

                store = feast.FeatureStore(str(self.repository))
                names = None if views is None else list(views)
                last = end - timedelta(microseconds=1)  # Feast's periods include their end
                if start is None:
                    store.materialize_incremental(last, feature_views=names)
                else:
                    store.materialize(start, last, feature_views=names)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def feature_store_apply(definitions: Path | Sequence[Any]) -> None:
    """Create or change definitions.

    Called in any process that has the stack. Idempotent. Definitions that are not among these stay as they are. Raises
    ``ValueError`` for definitions that the store refuses; then nothing has changed. Does nothing when the store is
    defined elsewhere.

    :param definitions: a directory or file in the store's own language, or objects of its own library.

    .. code-block:: python

        import json
        import sqlite3
        from collections.abc import Sequence
        from contextlib import closing
        from pathlib import Path
        from typing import Any

        from plugbay_hookspecs import component, hookimpl


        @component
        class SqliteFeatures:
            '''Keeps the definitions of views, written as JSON files with a name and a list of features.'''

            file: Path = Path("features.db")

            @hookimpl
            def feature_store_apply(self, definitions: Path | Sequence[Any]) -> None:
                if isinstance(definitions, Path):
                    files = [definitions] if definitions.is_file() else sorted(definitions.glob("*.json"))
                    definitions = [json.loads(file.read_text(encoding="utf-8")) for file in files]
                with closing(sqlite3.connect(self.file)) as store, store:
                    store.execute("CREATE TABLE IF NOT EXISTS view (name PRIMARY KEY, features)")
                    for view in definitions:
                        if not view.get("features"):
                            msg = f"view {view['name']!r} has no features"
                            raise ValueError(msg)
                        store.execute("REPLACE INTO view VALUES (?, ?)", (view["name"], json.dumps(view["features"])))

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def feature_store_list(kind: FeatureKind) -> Sequence[FeatureDefinition]:
    """List what is defined.

    Called in any process that has the stack.

    :param kind: ``entity``, ``view``, ``service`` or ``source``.
    :returns: in the order of their names; empty when there are none, ``None`` when the store cannot list.

    .. code-block:: python

        from collections.abc import Sequence
        from pathlib import Path

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import FeatureDefinition, FeatureKind


        @component
        class ParquetFeatures:
            '''Finds the features of a view in the header of its Parquet file.'''

            folder: Path = Path("features")
            key: str = "id"

            @hookimpl
            def feature_store_list(self, kind: FeatureKind) -> Sequence[FeatureDefinition]:
                if kind == "entity":
                    return [FeatureDefinition(kind="entity", name=self.key, keys=(self.key,))]
                files = sorted(self.folder.glob("*.parquet")) if kind == "view" else []
                return [self._view(file) for file in files]

            def _view(self, file: Path) -> FeatureDefinition:
                from pyarrow import parquet

                columns = {column.name: str(column.type) for column in parquet.read_schema(file)}
                features = {name: kind for name, kind in columns.items() if name not in (self.key, "event_timestamp")}
                return FeatureDefinition(kind="view", name=file.stem, keys=(self.key,), features=features)

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def feature_store_push(source: str, table: Any, to: PushTarget) -> None:
    """Add rows to a source, to be read at once.

    Called in any process that has the stack. In the online part a newer value is never replaced by an older one. Raises
    ``KeyError`` for a source that the store does not know or that feeds no view, ``ValueError`` for a table without one
    of its columns or with a row that has no time, and for a target that the store has not; ``None`` is returned in any
    case.

    :param table: a dataframe (any library that supports the dataframe interchange protocol / narwhals): the key columns,
        ``event_timestamp`` (UTC where it has no time zone) and the features.
    :param to: the ``online`` part, the ``offline`` part with the history, or ``both``: first the history, then the other;
        an error in between leaves the rows in the history.

    .. code-block:: python

        import sqlite3
        from contextlib import closing
        from pathlib import Path
        from typing import Any

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import PushTarget


        @component
        class SqliteFeatures:
            '''Keeps the latest value of each feature of each entity in an SQLite table.'''

            file: Path = Path("features.db")
            key: str = "id"

            @hookimpl
            def feature_store_push(self, source: str, table: Any, to: PushTarget) -> None:
                if to != "online":
                    msg = "this store keeps no history"
                    raise ValueError(msg)
                import narwhals

                rows = narwhals.from_native(table).sort("event_timestamp").rows(named=True)
                with closing(sqlite3.connect(self.file)) as store, store:
                    columns = "view, feature, entity, value, PRIMARY KEY (view, feature, entity)"
                    store.execute(f"CREATE TABLE IF NOT EXISTS latest ({columns})")
                    for row in rows:
                        entity = row.pop(self.key)
                        del row["event_timestamp"]
                        values = [(source, feature, entity, value) for feature, value in row.items()]
                        store.executemany("REPLACE INTO latest VALUES (?, ?, ?, ?)", values)

    .. versionadded:: 0.1
    """
    raise NotImplementedError
