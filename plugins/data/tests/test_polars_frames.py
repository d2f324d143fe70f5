"""polars frames and series come back as they were, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal, assert_series_equal
from polars.testing.parametric import dataframes, series

Keep = Callable[[object], Any]
Save = Callable[[object], bytes]


@settings(max_examples=50)
@given(dataframes(max_cols=4, max_size=5, excluded_dtypes=[pl.Object]))
def test_a_frame_comes_back_as_it_was(kept: Keep, frame: pl.DataFrame) -> None:
    loaded = kept(frame)
    assert type(loaded) is pl.DataFrame
    assert loaded.schema == frame.schema
    assert_frame_equal(loaded, frame, check_exact=True)


@settings(max_examples=50)
@given(series(max_size=5, excluded_dtypes=[pl.Object]))
def test_a_series_comes_back_as_it_was(kept: Keep, values: pl.Series) -> None:
    loaded = kept(values)
    assert type(loaded) is pl.Series
    assert loaded.dtype == values.dtype
    assert_series_equal(loaded, values, check_exact=True)


@pytest.mark.parametrize(
    "frame",
    [
        pl.DataFrame(),
        pl.DataFrame(height=3),
        pl.DataFrame({"a": pl.Series([2**100], dtype=pl.Int128)}),
        pl.DataFrame({"a": pl.Series(["x", None], dtype=pl.Enum(["y", "x"]))}),
        pl.DataFrame({"a": pl.Series(["x", None], dtype=pl.Categorical)}),
        pl.DataFrame({"a": pl.Series([None, None], dtype=pl.Null)}),
        pl.DataFrame({"a": [{"b": [1, None]}, None]}),
    ],
    ids=lambda frame: str(frame.schema),
)
def test_an_unusual_frame_comes_back(kept: Keep, frame: pl.DataFrame) -> None:
    loaded = kept(frame)
    assert loaded.height == frame.height
    assert_frame_equal(loaded, frame, check_exact=True)


class Subclass(pl.DataFrame):
    """A frame of somebody else's."""


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (pl.DataFrame({"a": [1], "b": [object()]}), "'b': Object.*Cast or drop"),
        (pl.Series("b", [object()]), "'b': Object"),
        (Subclass({"a": [1]}), r"polars\.DataFrame"),
    ],
    ids=["objects", "series of objects", "subclass"],
)
def test_what_arrow_cannot_keep_is_refused_with_advice(saved: Save, value: object, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        saved(value)


def test_a_lazy_frame_is_refused_for_good(saved: Save) -> None:
    with pytest.raises(ValueError, match="collect"):
        saved(pl.LazyFrame({"a": [1]}))


def test_the_record_names_rows_and_columns(described: Callable[[object], dict[str, object]]) -> None:
    facts = described(pl.DataFrame({"a": [1, 2], "b": ["x", None]}))
    assert facts == {"rows": 2, "column_count": 2, "columns": ["a", "b"], "dtypes": ["Int64", "String"]}
    assert described(pl.Series("x", [1])) == {"name": "x", "length": 1, "dtype": "Int64"}
