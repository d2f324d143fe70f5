"""Dataframes of any library as Feast takes them."""

from __future__ import annotations

from typing import Any

TIME = "event_timestamp"


def as_pandas(table: Any) -> Any:
    """A new pandas dataframe with the table's columns, its rows numbered from 0."""
    import narwhals

    frame = narwhals.from_native(table)
    if isinstance(frame, narwhals.LazyFrame):
        frame = frame.collect()
    return frame.to_pandas().reset_index(drop=True)


def as_utc(times: Any) -> Any:
    """A column of times in UTC, to the nanosecond; those without a zone are taken for UTC."""
    import pandas as pd  # type: ignore[import-untyped]

    return pd.to_datetime(times, utc=True).astype("datetime64[ns, UTC]")
