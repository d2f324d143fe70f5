"""What a record says of a table."""

from collections.abc import Iterable, Mapping
from itertools import islice

SHOWN = 100
"""Columns that a record names; one with thousands would make every record of a run large."""


def table_facts(rows: int, columns: int, names: Iterable[object], dtypes: Iterable[object]) -> Mapping[str, object]:
    """Describe a table by its size and its first columns."""
    return {
        "rows": rows,
        "column_count": columns,
        "columns": [str(name) for name in islice(names, SHOWN)],
        "dtypes": [str(dtype) for dtype in islice(dtypes, SHOWN)],
    }
