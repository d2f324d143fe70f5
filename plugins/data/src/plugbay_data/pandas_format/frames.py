"""A frame or a series and the Arrow IPC file that keeps it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import ipc

from plugbay_data.pandas_format.axes import axis_from_plain, axis_to_plain, decode_axis, encode_axis
from plugbay_data.pandas_format.columns import (
    PLAIN_KINDS,
    Description,
    decode,
    encode,
    in_one,
    plain_to_arrow,
    values_of,
)
from plugbay_data.pandas_format.memory import PrivateMemory
from plugbay_data.pandas_format.plain_values import from_plain, to_plain
from plugbay_data.streams import BATCH, Sink

METADATA_KEY = b"plugbay"
VERSION = 1
SEPARATE_COLUMNS = 100
"""Columns that a frame may hold apart, each over the mapped file; pandas is slow with more, and warns of it."""


def save_frame(frame: Any, file: BinaryIO) -> None:
    """Write a frame.

    :raises TypeError: naming the column, index or attribute that could not be given back.
    """
    _refuse_subclass(frame, pd.DataFrame)
    with _naming("the labels of the columns"):
        labels = axis_to_plain(frame.columns)
    columns = [(label, frame.iloc[:, position]) for position, label in enumerate(frame.columns)]
    _write(frame, columns, {"labels": labels}, file)


def load_frame(source: Path | BinaryIO) -> Any:
    """Read a frame."""
    table, description, memory = _read(source)
    index = _index(table, description, memory)
    rows = pd.RangeIndex(len(index))
    columns = dict(enumerate(_columns(table, description, memory, rows)))
    frame = pd.DataFrame(columns, index=rows, copy=len(columns) > SEPARATE_COLUMNS)
    frame.columns = axis_from_plain(description["labels"])
    frame.index = index
    return _with_attributes(frame, description)


def save_series(series: Any, file: BinaryIO) -> None:
    """Write a series.

    :raises TypeError: naming what could not be given back.
    """
    _refuse_subclass(series, pd.Series)
    with _naming("the name of the series"):
        name = to_plain(series.name)
    _write(series, [(series.name, series)], {"name": name}, file)


def load_series(source: Path | BinaryIO) -> Any:
    """Read a series."""
    table, description, memory = _read(source)
    index = _index(table, description, memory)
    (series,) = _columns(table, description, memory, index)
    series.name = from_plain(description["name"])
    return _with_attributes(series, description)


def _write(value: Any, columns: list[tuple[Any, Any]], description: Description, file: BinaryIO) -> None:
    names, arrays, columns_are = [], [], []
    for label, series in columns:
        with _naming(f"the column {label!r}"):
            array, column_is = _encode_column(values_of(series))
        names.append(str(label))
        arrays.append(array)
        columns_are.append(column_is)
    with _naming("the index"):
        levels, index_is = encode_axis(value.index)
    with _naming("attrs"):
        attributes = to_plain(value.attrs)
    whole = {
        "version": VERSION,
        **description,
        "columns": columns_are,
        "index": index_is,
        "attrs": attributes,
        "unique_labels": not value.flags.allows_duplicate_labels,
    }
    names += [f"__index_level_{level}__" for level in range(len(levels))]
    arrays += levels
    fields = [pa.field(name, _arrow_of(array, 0, 0).type) for name, array in zip(names, arrays, strict=True)]
    schema = pa.schema(fields, metadata={METADATA_KEY: json.dumps(whole).encode()})
    kept = ipc.read_schema(schema.serialize())
    for name, field, other in zip(names, schema, kept, strict=True):
        if field != other:
            msg = f"the column {name!r} cannot be kept: Arrow would not give its type {field.type} back; cast it"
            raise TypeError(msg)
    with ipc.new_file(Sink(file), schema) as writer:
        for batch in _batches(arrays, len(value), schema):
            writer.write_batch(batch)


def _encode_column(values: Any) -> tuple[Any, Description]:
    spread = isinstance(values, np.ndarray) and values.dtype.kind in PLAIN_KINDS and not values.flags.c_contiguous
    if not spread or values.nbytes < BATCH:
        return encode(values)
    # Left as it is, to be brought together batch by batch: all such columns at once would be a second frame in memory.
    return values, encode(values[:0])[1]


def _arrow_of(array: Any, start: int, length: int) -> Any:
    if isinstance(array, np.ndarray):
        return plain_to_arrow(np.ascontiguousarray(array[start : start + length]))
    return array.slice(start, length)


def _batches(arrays: list[Any], rows: int, schema: Any) -> Iterator[Any]:
    if not rows:
        # A batch without rows, and not no batch: it has the categories.
        yield pa.RecordBatch.from_arrays([in_one(_arrow_of(array, 0, 0)) for array in arrays], schema=schema)
        return
    spread = sum(array.itemsize for array in arrays if isinstance(array, np.ndarray))
    step = max(1, BATCH // spread) if spread else rows
    for start in range(0, rows, step):
        parts = [_arrow_of(array, start, step) for array in arrays]
        yield from pa.Table.from_arrays(parts, schema=schema).to_batches()


def _read(source: Path | BinaryIO) -> tuple[Any, Description, PrivateMemory]:
    memory = PrivateMemory.of(source)
    table = ipc.open_file(pa.py_buffer(memory.content)).read_all()
    description = json.loads(table.schema.metadata[METADATA_KEY])
    if description["version"] != VERSION:
        msg = f"a pandas value was written in version {description['version']} of the format: upgrade plugbay-data"
        raise ValueError(msg)
    return table, description, memory


def _index(table: Any, description: Description, memory: PrivateMemory) -> Any:
    return decode_axis(table.columns[len(description["columns"]) :], description["index"], memory)


def _columns(table: Any, description: Description, memory: PrivateMemory, index: Any) -> Iterator[Any]:
    for position, column_is in enumerate(description["columns"]):
        values = decode(table.column(position), column_is, memory)
        # The dtype is named, because pandas would take an array of str objects for its own strings.
        yield pd.Series(values, index=index, dtype=values.dtype, copy=False)


def _with_attributes(value: Any, description: Description) -> Any:
    value.attrs = from_plain(description["attrs"])
    if description["unique_labels"]:
        value.flags.allows_duplicate_labels = False
    return value


def _refuse_subclass(value: Any, plain: Any) -> None:
    kind = type(value)
    if kind is not plain:
        msg = (
            f"a {kind.__module__}.{kind.__qualname__} would come back as a pandas.{plain.__name__}: return "
            f"pandas.{plain.__name__}(value), or bring a serializer for it"
        )
        raise TypeError(msg)


@contextmanager
def _naming(part: str) -> Iterator[None]:
    try:
        yield
    except (TypeError, ValueError, OverflowError, NotImplementedError, RecursionError) as cause:
        msg = f"{part} cannot be kept as it is: {cause}"
        raise TypeError(msg) from cause
