"""Add rows to the sources of Feast that can be pushed to."""

from __future__ import annotations

from typing import Any

from plugbay_feast.tables import TIME, as_utc


def views_of(store: Any, source: str) -> list[Any]:
    """The views that a source feeds. Raises ``KeyError`` for a source that feeds none."""
    from feast.data_source import PushSource

    fed: dict[str, list[Any]] = {}
    for view in [*store.list_feature_views(), *store.list_stream_feature_views()]:
        if isinstance(view.stream_source, PushSource):
            fed.setdefault(view.stream_source.name, []).append(view)
    for view in store.list_label_views():
        if isinstance(view.source, PushSource):
            fed.setdefault(view.source.name, []).append(view)
    if source not in fed:
        known = ", ".join(sorted(fed)) or "none"
        msg = f"Feast project {store.project!r} has no source {source!r} that feeds a view; it has: {known}"
        raise KeyError(msg)
    return fed[source]


def prepared(table: Any, source: str, views: list[Any]) -> Any:
    """The table with the columns that Feast wants for the views. Raises ``ValueError`` when one is missing."""
    from feast.utils import _utc_now

    table = table.copy()
    if TIME in table.columns:
        table[TIME] = as_utc(table[TIME])
    for view in views:
        batch = view.batch_source
        time = batch.timestamp_field or TIME
        if time not in table.columns and TIME in table.columns:
            table = table.rename(columns={TIME: time})
        if batch.created_timestamp_column and batch.created_timestamp_column not in table.columns:
            table[batch.created_timestamp_column] = as_utc([_utc_now()] * len(table))
        theirs = {name: column for column, name in (batch.field_mapping or {}).items()}
        wanted = [*view.join_keys, *(feature.name for feature in view.features)]
        columns = [TIME if time not in table.columns else time, *(theirs.get(name, name) for name in wanted)]
        missing = [column for column in columns if column not in table.columns and column != "__dummy_id"]
        if missing:
            msg = f"rows for the source {source!r} have no column {', '.join(map(repr, missing))}, which {view.name!r} needs"
            raise ValueError(msg)
        if table[time].isna().any() or table[[each for each in columns if each in table.columns]][time].isna().any():
            msg = f"rows for the source {source!r} have no time in the column {time!r}"
            raise ValueError(msg)
    return table
