"""Read a table of any library, so that the same values are the same whatever library holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Any, Literal, TypeAlias

from attrs import frozen

Kind: TypeAlias = Literal["boolean", "integer", "number", "text", "time", "other", "empty"]

_TIMES = (date, time, timedelta)  # a datetime is a date


@frozen(eq=False)
class Column:
    """The values of a column; what is missing (null, NaN, NaT) is ``None``."""

    name: str
    kind: Kind
    values: list[Any]

    @property
    def present(self) -> list[Any]:
        """Those that are not missing."""
        return [value for value in self.values if value is not None]


@frozen(eq=False)
class Table:
    """Columns by name, and how many rows they have."""

    columns: Mapping[str, Column]
    rows: int


def read_table(data: Any) -> Table:
    """Read a dataframe; raise ``TypeError`` for what is none."""
    frame = eager(data)
    return Table({name: _column(frame[name]) for name in frame.columns}, len(frame))


def eager(data: Any) -> Any:
    """The dataframe as narwhals has it, computed where it is lazy."""
    # Imported when data is there: a validator is described without it.
    import narwhals

    frame = narwhals.from_native(data)
    return frame.collect() if isinstance(frame, narwhals.LazyFrame) else frame


def plain(value: Any) -> Any:
    """The value as JSON has it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _column(series: Any) -> Column:
    values = [_value(value) for value in series.to_list()]
    kind = _kind(values)
    if kind == "integer":
        values = [None if value is None else int(value) for value in values]
    return Column(series.name, kind, values)


def _value(value: Any) -> Any:
    # NaN, NaT: what is not equal to itself is not there. pandas' NA is equal to nothing that one could ask.
    if type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, float) and math.isnan(value)):
        return None
    if hasattr(value, "to_pydatetime"):
        return value.to_pydatetime()
    if hasattr(value, "to_pytimedelta"):
        return value.to_pytimedelta()
    return value.item() if type(value).__module__ == "numpy" else value


def _kind(values: list[Any]) -> Kind:
    present = [value for value in values if value is not None]
    if present:
        # By the values: pandas has whole numbers with a gap as floats, and texts as objects.
        if all(isinstance(value, bool) for value in present):
            return "boolean"
        if all(isinstance(value, str) for value in present):
            return "text"
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in present):
            return "integer" if all(isinstance(value, int) or value.is_integer() for value in present) else "number"
        return "time" if all(isinstance(value, _TIMES) for value in present) else "other"
    return "empty"
