"""pandas frames and series come back as they were, or are refused."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import pyarrow as pa  # type: ignore[import-untyped]
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from plugbay_data import frames_pandas

Keep = Callable[[object], Any]
Save = Callable[[object], bytes]

KINDS = ["plain", "object", "text", "string", "masked", "category", "zoned", "period", "interval", "arrow"]
PLAIN_DTYPES = ["i1", "u8", "f2", "f4", "f8", "?", "M8[s]", "M8[ns]", "m8[us]"]
ARROW_TYPES = [pa.int16(), pa.string(), pa.decimal128(5, 2), pa.dictionary(pa.int8(), pa.string())]
LEVELS = [pd.Index(["x", "y"]), pd.CategoricalIndex(["b", "a"]), pd.date_range("2024", periods=2)]

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5)
ZONES = st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("UTC"), dt.UTC, dt.timezone(dt.timedelta(hours=-3.5))])
UNITS = st.sampled_from(["s", "ms", "us", "ns"])
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXTS
    | st.binary(max_size=3)
    | st.decimals()
    | st.dates()
    | st.sampled_from([pd.NA, pd.NaT, np.float32(0.1), np.int8(-3), np.bool_(True), pd.Timedelta(3, "s")])
    | st.builds(lambda zone: pd.Timestamp("2024-10-27 00:30", tz="UTC").tz_convert(zone), ZONES),
    lambda items: st.lists(items, max_size=2) | st.tuples(items, items) | st.dictionaries(TEXTS, items, max_size=2),
    max_leaves=3,
)
LABELS = TEXTS | st.integers(-3, 3) | st.none() | st.tuples(TEXTS, st.integers(-3, 3)) | st.just(np.int64(7))


def numbers(draw: st.DrawFn, size: int, dtype: str) -> Any:
    return draw(npst.arrays(np.dtype(dtype), size))


def flags(draw: st.DrawFn, size: int) -> Any:
    return draw(npst.arrays(np.dtype(bool), size))


@st.composite
def columns(draw: st.DrawFn, size: int) -> Any:
    """Draw an array of any dtype that pandas brings, or a NumPy one."""
    kind = draw(st.sampled_from(KINDS))
    counts = st.integers(-(2**60), 2**60)
    if kind == "plain":
        return numbers(draw, size, draw(st.sampled_from(PLAIN_DTYPES)))
    if kind in {"object", "text", "string"}:
        missing = draw(st.sampled_from([None, np.nan, pd.NA]))
        items: st.SearchStrategy[Any] = PLAIN if kind == "object" else TEXTS | st.just(missing)
        values = np.empty(size, dtype=object)
        for row in range(size):
            values[row] = draw(items)
        if kind != "string":
            return values
        storage, na_value = draw(st.sampled_from(["python", "pyarrow"])), draw(st.sampled_from([pd.NA, np.nan]))
        return pd.array(values, dtype=pd.StringDtype(storage, na_value=na_value))
    if kind == "masked":
        dtype = draw(st.sampled_from(["i1", "u4", "i8", "f4", "f8", "?"]))
        cls = {"f": pd.arrays.FloatingArray, "?": pd.arrays.BooleanArray}.get(dtype[0], pd.arrays.IntegerArray)
        return cls(numbers(draw, size, dtype), flags(draw, size))
    if kind == "category":
        labels = draw(st.lists(TEXTS, unique=True, max_size=4) | st.lists(counts, unique=True, max_size=4))
        categories = pd.Index(labels, name=draw(TEXTS | st.none()))
        codes = [draw(st.integers(-1, len(labels) - 1)) for _ in range(size)]
        return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, draw(st.booleans())))
    if kind == "zoned":
        moments = numbers(draw, size, "i4").astype("i8").view(f"M8[{draw(UNITS)}]")
        return pd.DatetimeIndex(moments).tz_localize("UTC").tz_convert(draw(ZONES)).array
    if kind == "period":
        frequency = draw(st.sampled_from(["D", "M", "Q-NOV", "2h"]))
        return pd.arrays.PeriodArray(numbers(draw, size, "i2").astype("i8"), dtype=f"period[{frequency}]")
    if kind == "interval":
        left = numbers(draw, size, "i4").astype("f8")
        left[flags(draw, size)] = np.nan
        return pd.arrays.IntervalArray.from_arrays(left, left + 1.5, closed=draw(st.sampled_from(["left", "both"])))
    arrow_type = draw(st.sampled_from(ARROW_TYPES))
    example = {pa.int16(): 3, pa.decimal128(5, 2): Decimal("1.50")}.get(arrow_type, "x")
    parts = [pa.array([example, None][:size], arrow_type), pa.array([example] * max(0, size - 2), arrow_type)]
    return pd.arrays.ArrowExtensionArray(pa.chunked_array(parts, arrow_type))


@st.composite
def indexes(draw: st.DrawFn, size: int) -> Any:
    kind = draw(st.sampled_from(["range", "values", "levels", "days"]))
    if kind == "range":
        start, step = draw(st.integers(-9, 9)), draw(st.sampled_from([1, 2, -3]))
        return pd.RangeIndex(start, start + step * size, step, name=draw(LABELS))
    if kind == "days":
        frequency = draw(st.sampled_from(["D", "ME", "B", "90min", "W-TUE", None]))
        zone, unit = draw(st.none() | ZONES), draw(UNITS)
        days = pd.date_range("2024-03-29", periods=size, freq=frequency or "D", tz=zone, unit=unit)
        return days if frequency else days._with_freq(None)
    values = draw(columns(size))
    if isinstance(values, np.ndarray) and values.dtype == np.float16:
        values = values.astype(np.float32)
    if kind == "values":
        return pd.Index(values, dtype=values.dtype, name=draw(LABELS), tupleize_cols=False)
    levels = [draw(st.sampled_from(LEVELS)), pd.RangeIndex(3)]
    codes = [[draw(st.integers(-1, len(level) - 1)) for _ in range(size)] for level in levels]
    return pd.MultiIndex(levels=levels, codes=codes, names=[draw(LABELS), draw(LABELS)])


@st.composite
def frames(draw: st.DrawFn) -> Any:
    size, width = draw(st.integers(0, 4)), draw(st.integers(0, 3))
    rows = pd.RangeIndex(size)
    parts = (draw(columns(size)) for _ in range(width))
    content = {position: pd.Series(values, rows, dtype=values.dtype) for position, values in enumerate(parts)}
    frame = pd.DataFrame(content, index=rows)
    labels = np.empty(width, dtype=object)
    for position in range(width):
        labels[position] = draw(LABELS)
    frame.columns = draw(st.just(pd.Index(labels, dtype=object, tupleize_cols=False)) | indexes(width))
    frame.index = draw(indexes(size))
    frame.attrs = draw(st.dictionaries(TEXTS, PLAIN, max_size=1))
    return frame


def assert_same_element(loaded: Any, value: Any) -> None:
    assert type(loaded) is type(value)
    if isinstance(value, list | tuple):
        assert len(loaded) == len(value)
        for one, other in zip(loaded, value, strict=True):
            assert_same_element(one, other)
    elif isinstance(value, dict):
        assert_same_element(list(loaded.items()), list(value.items()))
    elif isinstance(value, pd.Timestamp):
        assert (loaded.asm8, loaded.unit, loaded.fold) == (value.asm8, value.unit, value.fold)
        assert repr(loaded.tz) == repr(value.tz)
    else:
        assert repr(loaded) == repr(value)


def assert_same_values(loaded: Any, value: Any) -> None:
    assert loaded.dtype == value.dtype
    assert repr(loaded.dtype) == repr(value.dtype)
    if isinstance(value.dtype, np.dtype) and value.dtype != object:
        assert loaded.to_numpy().tobytes() == value.to_numpy().tobytes()
        return
    if isinstance(value.dtype, pd.CategoricalDtype):
        assert_same_index(loaded.dtype.categories, value.dtype.categories)
    if isinstance(value.dtype, pd.DatetimeTZDtype):
        assert type(loaded.dtype.tz) is type(value.dtype.tz)
    for one, other in zip(loaded.array, value.array, strict=True):
        assert_same_element(one, other)


def assert_same_index(loaded: Any, value: Any) -> None:
    assert type(loaded) is type(value)
    assert_same_element(tuple(loaded.names), tuple(value.names))
    if isinstance(value, pd.MultiIndex):
        for one, other in zip(loaded.levels, value.levels, strict=True):
            assert_same_index(one, other)
        assert [list(codes) for codes in loaded.codes] == [list(codes) for codes in value.codes]
        return
    if isinstance(value, pd.RangeIndex):
        assert (loaded.start, loaded.stop, loaded.step) == (value.start, value.stop, value.step)
    assert getattr(loaded, "freq", None) == getattr(value, "freq", None)
    assert_same_values(loaded, value)


def assert_same_frame(loaded: Any, value: Any) -> None:
    assert type(loaded) is type(value)
    assert_same_index(loaded.index, value.index)
    assert_same_index(loaded.columns, value.columns)
    assert_same_element(loaded.attrs, value.attrs)
    assert loaded.flags == value.flags
    for position in range(value.shape[1]):
        assert_same_values(loaded.iloc[:, position], value.iloc[:, position])


@settings(max_examples=150)
@given(frames())
def test_a_frame_comes_back_as_it_was(kept: Keep, frame: Any) -> None:
    assert_same_frame(kept(frame), frame)


@settings(max_examples=50)
@given(frames(), LABELS)
def test_a_series_comes_back_as_it_was(kept: Keep, frame: Any, name: Any) -> None:
    for position in range(frame.shape[1]):
        series = frame.iloc[:, position].rename(name)
        loaded = kept(series)
        assert type(loaded) is pd.Series
        assert_same_element(loaded.name, series.name)
        assert_same_index(loaded.index, series.index)
        assert_same_values(loaded, series)
        assert_same_element(loaded.attrs, series.attrs)


@settings(max_examples=50)
@given(frames(), st.data())
def test_a_part_of_a_frame_comes_back_as_that_part(kept: Keep, frame: Any, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(frame)))
    part = frame.iloc[start : start + 2]
    assert_same_frame(kept(part), part)


@settings(max_examples=50)
@given(frames(), st.data())
def test_a_loaded_frame_can_be_changed(kept: Keep, frame: Any, data: st.DataObject) -> None:
    loaded = kept(frame)
    for position in range(frame.shape[1]):
        if len(frame):
            row = data.draw(st.integers(0, len(frame) - 1))
            loaded.isetitem(position, loaded.iloc[:, position].copy(deep=False))
            series = loaded.iloc[:, position]
            series.array[row] = series.array[0]


def test_a_frame_keeps_its_timezone(kept: Keep) -> None:
    zone = ZoneInfo("Europe/Berlin")
    frame = pd.DataFrame({"at": pd.date_range("2024-10-26", periods=3, tz=zone)})
    assert kept(frame)["at"].dt.tz is zone


def test_a_float_column_keeps_not_a_number_apart_from_missing(kept: Keep) -> None:
    series = pd.Series(pd.arrays.FloatingArray(np.array([np.nan, 1.0]), np.array([False, True])))
    assert np.isnan(kept(series).array[0])
    assert kept(series).array[1] is pd.NA


def test_a_frame_keeps_duplicate_labels_and_labels_that_are_no_strings(kept: Keep) -> None:
    labels = pd.Index(["a", "a", 0, ("b", 1)], dtype=object, tupleize_cols=False)
    frame = pd.DataFrame([[1, 2.0, "x", True]], columns=labels)
    assert_same_frame(kept(frame), frame)


def test_a_frame_that_forbids_duplicate_labels_goes_on_forbidding_them(kept: Keep) -> None:
    frame = pd.DataFrame({"a": [1]}).set_flags(allows_duplicate_labels=False)
    assert kept(frame).flags.allows_duplicate_labels is False


def test_a_binned_column_keeps_its_intervals(kept: Keep) -> None:
    frame = pd.DataFrame({"bin": pd.cut(pd.Series([1.0, 2.0, np.nan]), 2)})
    assert_same_frame(kept(frame), frame)


def test_a_row_keeps_the_label_it_was_taken_by(kept: Keep) -> None:
    frame = pd.DataFrame({"a": [1, 2]}, index=pd.date_range("2024", periods=2, tz="UTC"))
    assert_same_element(kept(frame.iloc[1]).name, frame.iloc[1].name)


def test_a_wide_frame_can_take_another_column_without_a_warning(kept: Keep) -> None:
    loaded = kept(pd.DataFrame(np.ones((2, 150))))
    loaded["more"] = 1


def test_a_large_frame_whose_columns_are_spread_comes_back(kept: Keep) -> None:
    spread = np.random.default_rng(0).normal(size=(300_000, 8))
    frame = pd.DataFrame(spread, copy=False)
    frame["text"], frame["kind"] = "x", pd.Categorical(["a", "b"] * 150_000)
    assert not frame[0].to_numpy().flags.c_contiguous
    pd.testing.assert_frame_equal(kept(frame), frame, check_exact=True)


def test_a_change_to_a_loaded_frame_does_not_reach_the_file(tmp_path: Path, saved: Save) -> None:
    path = tmp_path / "frame.arrow"
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": pd.to_datetime(["2024", "2025"])})
    path.write_bytes(saved(frame))
    loaded = frames_pandas.load_frame(path)
    loaded.iloc[0, 0] = 99
    loaded.loc[0, "b"] = pd.NaT
    pd.testing.assert_frame_equal(frames_pandas.load_frame(path), frame)


def test_any_reader_of_feather_finds_the_columns(tmp_path: Path, saved: Save) -> None:
    path = tmp_path / "frame.arrow"
    path.write_bytes(saved(pd.DataFrame({"a": [1, 2], "b": ["x", None]}, index=pd.Index([5, 6]))))
    table = pa.ipc.open_file(path).read_all()
    assert table.select(["a", "b"]).to_pydict() == {"a": [1, 2], "b": ["x", None]}


class Subclass(pd.DataFrame):  # type: ignore[misc]
    """A frame of somebody else's."""


class Unregistered(pa.ExtensionType):  # type: ignore[misc]
    """A type of somebody else's that Arrow was not told of."""

    def __init__(self) -> None:
        super().__init__(pa.int8(), "plugbay.tests.unregistered")

    def __arrow_ext_serialize__(self) -> bytes:
        """Give the parameters of the type: none."""
        return b""


UNREGISTERED = pa.ExtensionArray.from_storage(Unregistered(), pa.array([1], pa.int8()))


def with_attributes(**attributes: object) -> Any:
    frame = pd.DataFrame({"a": [1]})
    frame.attrs = attributes
    return frame


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (pd.DataFrame({"a": [1j]}), "'a'.*split"),
        (pd.DataFrame({"a": np.ones(1, np.longdouble)}), "'a'.*astype"),
        (pd.DataFrame({"a": np.ones(1, ">f8")}), "'a'.*astype"),
        (pd.DataFrame({"a": pd.arrays.SparseArray([1, 0])}), "'a'.*to_dense"),
        (pd.DataFrame({"a": [object()]}), "'a'.*builtins.object.*convert"),
        (pd.DataFrame({"a": [{1, 2}]}), "'a'.*builtins.set"),
        (pd.DataFrame({"a": ["\ud800"]}, dtype=object), "'a'.*surrogates"),
        (pd.DataFrame([[1]], columns=pd.Index([frozenset()], dtype=object)), "labels of the columns"),
        (pd.DataFrame({"a": [1]}, index=pd.Index([object()], dtype=object)), "the index"),
        (pd.Series([1], name=frozenset()), "name of the series"),
        (with_attributes(model=object()), "attrs"),
        (Subclass({"a": [1]}), r"pandas\.DataFrame\(value\)"),
        (pd.Series(pd.arrays.ArrowExtensionArray(UNREGISTERED)), "cast"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_arrow_cannot_keep_is_refused_with_advice(saved: Save, value: object, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        saved(value)


def test_without_pyarrow_the_error_says_what_to_install() -> None:
    code = (
        "import sys, io, pandas\nfrom plugbay_data import frames_pandas\nsys.modules['pyarrow'] = None\n"
        "try:\n    frames_pandas.save_frame(pandas.DataFrame(), io.BytesIO())\n"
        "except TypeError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'plugbay-data[pandas]'" in done.stdout


def test_the_record_names_rows_and_columns(described: Callable[[object], dict[str, object]]) -> None:
    facts = described(pd.DataFrame({"a": [1, 2], 0: [1.5, 2]}))
    assert facts == {"rows": 2, "column_count": 2, "columns": ["a", "0"], "dtypes": ["int64", "float64"]}
    assert described(pd.Series([1], name="x")) == {"name": "x", "length": 1, "dtype": "int64"}
    assert len(described(pd.DataFrame(np.ones((1, 500))))["columns"]) == 100  # type: ignore[arg-type]
