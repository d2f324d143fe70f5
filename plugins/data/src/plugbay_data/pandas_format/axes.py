"""An index of any number of levels, as columns of a file or within a description."""

from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]

from plugbay_data.pandas_format.columns import (
    Description,
    array_from_text,
    array_to_text,
    decode_dictionary,
    decode_index,
    encode_dictionary,
    encode_index,
)
from plugbay_data.pandas_format.memory import PrivateMemory
from plugbay_data.pandas_format.plain_values import from_plain, to_plain


def encode_axis(index: Any) -> tuple[list[Any], Description]:
    """Turn an index into Arrow arrays of its length (none for a range) and a description.

    :raises TypeError: for what could not be given back.
    """
    if type(index) is not pd.MultiIndex:
        column, description = encode_index(index)
        return [] if column is None else [column], description
    columns, levels = [], []
    for codes, level in zip(index.codes, index.levels, strict=True):
        column, description = encode_dictionary(codes, level)
        columns.append(column)
        levels.append(description)
    names = [to_plain(name) for name in index.names]
    return columns, {"kind": "levels", "names": names, "levels": levels, "sortorder": index.sortorder}


def decode_axis(columns: list[Any], description: Description, memory: PrivateMemory) -> Any:
    """Turn them back into an index."""
    if description["kind"] != "levels":
        return decode_index(columns[0] if columns else None, description, memory)
    parts = [
        decode_dictionary(column, level, memory) for column, level in zip(columns, description["levels"], strict=True)
    ]
    return pd.MultiIndex(
        levels=[level for _, level in parts],
        codes=[codes for codes, _ in parts],
        names=[from_plain(name) for name in description["names"]],
        sortorder=description["sortorder"],
        verify_integrity=False,
    )


def axis_to_plain(index: Any) -> dict[str, Any]:
    """Describe an index altogether in JSON: the labels of the columns."""
    columns, description = encode_axis(index)
    return {"axis": description, "columns": [array_to_text(column) for column in columns]}


def axis_from_plain(plain: dict[str, Any]) -> Any:
    """Turn it back."""
    elsewhere = PrivateMemory(np.empty(0, np.uint8))
    return decode_axis([array_from_text(text) for text in plain["columns"]], plain["axis"], elsewhere)
