"""An array of pandas, or an index of one level, and the Arrow column that keeps it.

Each kind of dtype has its way there and back. The description is what the Arrow type does not say.
"""

import json
import math
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
from pyarrow import ipc

from plugbay_data.pandas_format.memory import PrivateMemory
from plugbay_data.pandas_format.plain_values import from_plain, to_plain
from plugbay_data.pandas_format.time_zones import zone_from_plain, zone_to_plain

Description = dict[str, Any]

PLAIN_KINDS = "biufMm"
"""The kinds of NumPy dtypes whose memory is Arrow's."""
FLAT_INDEXES = (
    pd.Index,
    pd.RangeIndex,
    pd.DatetimeIndex,
    pd.TimedeltaIndex,
    pd.PeriodIndex,
    pd.IntervalIndex,
    pd.CategoricalIndex,
)
MISSING_MARKERS = {type(None): "None", float: "nan", type(pd.NA): "NA"}
"""What stands for a missing text in an array of objects, by its type."""
MASKED_ARRAYS = {"b": pd.arrays.BooleanArray, "f": pd.arrays.FloatingArray}


def values_of(holder: Any) -> Any:
    """Give the values of a series or an index: a NumPy array where its dtype is NumPy's, else an extension array."""
    return holder.to_numpy() if isinstance(holder.dtype, np.dtype) else holder.array


def encode(values: Any) -> tuple[Any, Description]:
    """Turn an array into an Arrow array (chunked where pandas holds it so) and its description.

    :raises TypeError: when the dtype, or an element, could not be given back.
    """
    dtype = values.dtype
    if isinstance(dtype, np.dtype):
        if dtype.kind == "O":
            return _encode_objects(values)
        return plain_to_arrow(values), {"kind": "plain", "dtype": dtype.str}
    kind = type(dtype)
    if kind is pd.StringDtype:
        missing = "NA" if dtype.na_value is pd.NA else "nan"
        return pa.array(values), {"kind": "string", "storage": dtype.storage, "missing": missing}
    if kind is pd.CategoricalDtype:
        column, description = encode_dictionary(values.codes, values.categories)
        return column, {"kind": "categorical", "ordered": bool(values.ordered), "dictionary": description}
    if kind is pd.DatetimeTZDtype:
        zone = zone_to_plain(dtype.tz)
        column = plain_to_arrow(values.asi8.view(f"M8[{dtype.unit}]"))
        shown = pa.timestamp(dtype.unit, zone.get("zoneinfo", "UTC"))
        return column.view(shown), {"kind": "zoned", "unit": dtype.unit, "zone": zone}
    if kind is pd.PeriodDtype:
        if pd.api.types.pandas_dtype(str(dtype)) != dtype:
            msg = f"the dtype {dtype} is not known by its name: convert the periods to timestamps"
            raise TypeError(msg)
        return plain_to_arrow(values.asi8), {"kind": "period", "dtype": str(dtype)}
    if kind is pd.IntervalDtype:
        (left, left_is), (right, right_is) = encode(values_of(values.left)), encode(values_of(values.right))
        column = pa.StructArray.from_arrays([left, right], ["left", "right"])
        return column, {"kind": "interval", "closed": dtype.closed, "left": left_is, "right": right_is}
    if kind is pd.ArrowDtype:
        column = pa.array(values)
        # A file holds one dictionary for a column.
        return column.unify_dictionaries() if isinstance(column, pa.ChunkedArray) else column, {"kind": "arrow"}
    if isinstance(values, pd.arrays.IntegerArray | pd.arrays.FloatingArray | pd.arrays.BooleanArray):
        return pa.array(values), {"kind": "masked", "dtype": dtype.numpy_dtype.str}
    if kind is pd.SparseDtype:
        msg = f"the dtype {dtype} has no like in Arrow: make the column dense with .sparse.to_dense()"
        raise TypeError(msg)
    msg = f"the dtype {dtype} ({kind.__module__}.{kind.__qualname__}) is not one of pandas: convert with astype"
    raise TypeError(msg)


def decode(column: Any, description: Description, memory: PrivateMemory) -> Any:
    """Turn a chunked Arrow array back into an array of pandas, or of NumPy where its dtype is NumPy's."""
    match description["kind"]:
        case "plain":
            return _plain_from_arrow(column, np.dtype(description["dtype"]), memory)
        case "text" | "json":
            return _decode_objects(column, description)
        case "string":
            missing = pd.NA if description["missing"] == "NA" else np.nan
            return pd.StringDtype(description["storage"], na_value=missing).__from_arrow__(column)
        case "categorical":
            codes, categories = decode_dictionary(column, description["dictionary"], memory)
            dtype = pd.CategoricalDtype(categories, ordered=description["ordered"])
            return pd.Categorical.from_codes(codes, dtype=dtype)
        case "zoned":
            moments = _plain_from_arrow(column, np.dtype(f"M8[{description['unit']}]"), memory)
            return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(zone_from_plain(description["zone"])).array
        case "period":
            counts = _plain_from_arrow(column, np.dtype(np.int64), memory)
            return pd.arrays.PeriodArray(counts, dtype=pd.api.types.pandas_dtype(description["dtype"]))
        case "interval":
            left, right = (
                decode(pa.chunked_array([chunk.field(side) for chunk in column.chunks]), description[side], memory)
                for side in ("left", "right")
            )
            return pd.arrays.IntervalArray.from_arrays(left, right, closed=description["closed"])
        case "arrow":
            return pd.ArrowDtype(column.type).__from_arrow__(column)
        case "masked":
            dtype = np.dtype(description["dtype"])
            mask = np.array(column.is_null())
            known = column.fill_null(False) if dtype.kind == "b" else column
            array = MASKED_ARRAYS.get(dtype.kind, pd.arrays.IntegerArray)
            return array(_plain_from_arrow(known, dtype, memory), mask)
    msg = f"a column of the kind {description['kind']!r} was written by a later version of plugbay-data: upgrade it"
    raise ValueError(msg)


def encode_index(index: Any) -> tuple[Any, Description]:
    """Turn an index of one level into an Arrow array, or ``None`` for a range, and its description.

    :raises TypeError: for a subclass, or what could not be given back.
    """
    if type(index) not in FLAT_INDEXES:
        msg = f"a {type(index).__module__}.{type(index).__qualname__} would come back as an index of pandas: convert it"
        raise TypeError(msg)
    name = to_plain(index.name)
    if isinstance(index, pd.RangeIndex):
        return None, {"kind": "range", "name": name, "range": [index.start, index.stop, index.step]}
    values = values_of(index)
    column, description = encode(values)
    frequency = None
    if getattr(index, "freq", None) is not None and isinstance(index, pd.DatetimeIndex | pd.TimedeltaIndex):
        frequency = index.freqstr
        _check_frequency(index, frequency)
    return column, {"kind": "values", "name": name, "values": description, "frequency": frequency}


def decode_index(column: Any, description: Description, memory: PrivateMemory) -> Any:
    """Turn it back; ``column`` is not looked at for a range."""
    name = from_plain(description["name"])
    if description["kind"] == "range":
        return pd.RangeIndex(*description["range"], name=name)
    values = decode(column, description["values"], memory)
    index = pd.Index(values, dtype=values.dtype, copy=False)
    index.name = name
    if description["frequency"] is not None:
        index.freq = description["frequency"]
    return index


def encode_dictionary(codes: Any, level: Any) -> tuple[Any, Description]:
    """Turn codes (-1 where a value is missing) and the index they point into into one Arrow array."""
    column, description = encode_index(level)
    if column is None:
        column = plain_to_arrow(np.asarray(level))
    column = in_one(column)
    codes = np.asarray(codes)
    pointers = pa.array(codes, mask=codes == -1)
    if pa.types.is_struct(column.type) or not (pa.types.is_nested(column.type) or pa.types.is_dictionary(column.type)):
        return pa.DictionaryArray.from_arrays(pointers, column), {"level": description, "embedded": None}
    # A dictionary in a dictionary cannot be read back by PyArrow.
    return pointers, {"level": description, "embedded": array_to_text(column)}


def decode_dictionary(column: Any, description: Description, memory: PrivateMemory) -> tuple[Any, Any]:
    """Give the codes and the index back."""
    if description["embedded"] is None:
        level = pa.chunked_array([column.chunk(0).dictionary])
        pointers = [chunk.indices for chunk in column.chunks]
    else:
        level = array_from_text(description["embedded"])
        pointers = column.chunks
    codes = np.concatenate([np.asarray(chunk.fill_null(-1)) for chunk in pointers])
    return codes, decode_index(level, description["level"], memory)


def array_to_text(column: Any) -> str:
    """Write an array that is not as long as the frame into the description."""
    batch = pa.record_batch([in_one(column)], names=[""])
    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return b64encode(sink.getvalue()).decode()


def array_from_text(text: str) -> Any:
    """Read it back, as a chunked array."""
    return ipc.open_file(b64decode(text)).read_all().column(0)


def plain_to_arrow(values: Any) -> Any:
    """Turn a NumPy array into an Arrow array, over the same memory if it is contiguous.

    Not-a-number stays a number; not-a-time is missing in Arrow too.

    :raises TypeError: when Arrow has no such numbers.
    """
    dtype = values.dtype
    if dtype.kind not in PLAIN_KINDS or not dtype.isnative or dtype.itemsize > 8:
        msg = f"Arrow has no numbers of the dtype {dtype}: convert with astype, or split complex numbers in two columns"
        raise TypeError(msg)
    if dtype.kind not in "Mm":
        return pa.array(values, from_pandas=False)
    unit = np.datetime_data(dtype)[0]
    arrow_type = pa.timestamp(unit) if dtype.kind == "M" else pa.duration(unit)
    missing = np.isnat(values)
    return pa.array(values.view(np.int64), mask=missing if missing.any() else None).view(arrow_type)


def in_one(column: Any) -> Any:
    """Give an array for an array or a chunked one."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _plain_from_arrow(column: Any, dtype: np.dtype[Any], memory: PrivateMemory) -> np.ndarray[Any, Any]:
    chunks = [chunk for chunk in column.chunks if len(chunk)]
    if dtype.kind == "b":
        parts = [np.array(chunk) for chunk in chunks]
    else:
        parts = [memory.array(chunk.buffers()[1], dtype, chunk.offset, len(chunk)) for chunk in chunks]
    if not parts:
        return np.empty(0, dtype)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _encode_objects(values: Any) -> tuple[Any, Description]:
    others = set(map(type, values)) - {str}
    missing = MISSING_MARKERS.get(next(iter(others))) if len(others) == 1 else None
    has_numbers = missing == "nan" and not all(math.isnan(item) for item in values if type(item) is float)
    if (not others or missing) and not has_numbers:
        return pa.array(values, type=pa.large_string(), from_pandas=True), {"kind": "text", "missing": missing}
    texts = [json.dumps(to_plain(item)) for item in values]
    return pa.array(texts, type=pa.large_string()), {"kind": "json"}


def _decode_objects(column: Any, description: Description) -> np.ndarray[Any, Any]:
    items = column.to_pylist()
    values = np.empty(len(items), dtype=object)
    if description["kind"] == "json":
        # One by one: NumPy would take a list of lists for more dimensions.
        for row, text in enumerate(items):
            values[row] = from_plain(json.loads(text))
        return values
    values[:] = items
    marker = {"nan": np.nan, "NA": pd.NA}.get(description["missing"])
    if marker is not None:
        values[np.array(column.is_null())] = marker
    return values


def _check_frequency(index: Any, frequency: str) -> None:
    probe = type(index)(index, freq=None)
    probe.freq = None
    try:
        probe.freq = frequency
    except ValueError:
        probe.freq = None
    if probe.freq != index.freq:
        msg = f"the frequency {index.freq!r} of the index is not known by its name: set index.freq = None"
        raise TypeError(msg)
