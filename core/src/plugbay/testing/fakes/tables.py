"""Tables of whatever library, as columns of plain values and back."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Columns: TypeAlias = dict[str, list[Any]]


def columns_of(table: Any) -> Columns:
    """The columns of a pandas, polars or pyarrow table, or of a mapping. What is missing is ``None``."""
    if isinstance(table, Mapping):
        return {str(name): list(values) for name, values in table.items()}
    if hasattr(table, "to_pydict"):  # pyarrow
        return dict(table.to_pydict())
    if hasattr(table, "get_columns"):  # polars
        return {name: list(values) for name, values in table.to_dict(as_series=False).items()}
    if hasattr(table, "to_dict") and hasattr(table, "columns"):  # pandas
        known: Columns = table.to_dict(orient="list")
        return {str(name): [None if _missing(value) else value for value in values] for name, values in known.items()}
    msg = f"a {type(table).__qualname__} is no table: it takes pandas, polars, pyarrow and mappings of columns"
    raise ValueError(msg)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """The rows of a table."""
    columns = columns_of(table)
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def table_like(table: Any, columns: Mapping[str, Sequence[Any]]) -> Any:
    """Columns as a table of the same library as another one."""
    if isinstance(table, Mapping):
        return dict(columns)
    library = importlib.import_module(type(table).__module__.partition(".")[0])
    return library.table(dict(columns)) if hasattr(table, "to_pydict") else library.DataFrame(dict(columns))


def _missing(value: Any) -> bool:
    return (
        value is None or type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and value != value)
    )
