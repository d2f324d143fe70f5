"""What the plugins say of values that code reaches: equal for equal values, different for those that a step can tell apart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from plugbay_data.arrays import Numpy
from plugbay_data.frames_pandas import Pandas
from plugbay_data.frames_polars import Polars
from plugbay_data.tables import PyArrow

Make = Callable[[], Any]
FIELDS = [("a", "i1"), ("b", "f8")]


def gaps(value: int) -> Any:
    """An array with something left to chance between its fields."""
    array = np.full(2 * 16, value, "u1").view(np.dtype(FIELDS, align=True))
    array["a"], array["b"] = 1, 2.0
    return array


def masked(hidden: int, fill: int = 9) -> Any:
    return np.ma.array([1, hidden], mask=[False, True], fill_value=fill)


ALIKE: dict[str, tuple[Any, Make, Make]] = {
    "dates": (Numpy, lambda: np.array(["2026-01-01"], "M8[D]"), lambda: np.array(["2026-01-01"], "M8[D]")),
    "what lies between fields": (Numpy, lambda: gaps(1), lambda: gaps(2)),
    "what lies under a mask": (Numpy, lambda: masked(1), lambda: masked(2)),
    "order in memory": (Numpy, lambda: np.zeros((2, 3), "M8[s]"), lambda: np.zeros((3, 2), "M8[s]").T),
    "pandas frame": (Pandas, lambda: pd.DataFrame({"a": [1, 2]}), lambda: pd.DataFrame({"a": [1, 2]})),
    "polars frame": (Polars, lambda: pl.DataFrame({"a": [1, 2]}), lambda: pl.DataFrame({"a": [1, 2]})),
    "pyarrow table": (PyArrow, lambda: pa.table({"a": [1, 2]}), lambda: pa.table({"a": [1, 2]})),
}
DIFFERENT: dict[str, tuple[Any, Make, Make]] = {
    "a date": (Numpy, lambda: np.array(["2026-01-01"], "M8[D]"), lambda: np.array(["2026-01-02"], "M8[D]")),
    "unit": (Numpy, lambda: np.zeros(1, "M8[D]"), lambda: np.zeros(1, "M8[s]")),
    "shape": (Numpy, lambda: np.zeros((2, 3), "M8[s]"), lambda: np.zeros((3, 2), "M8[s]")),
    "a field": (Numpy, lambda: np.zeros(1, FIELDS), lambda: np.ones(1, FIELDS)),
    "name of a field": (Numpy, lambda: np.zeros(1, [("a", "i1")]), lambda: np.zeros(1, [("b", "i1")])),
    "mask": (Numpy, lambda: masked(1), lambda: np.ma.array([1, 1], fill_value=9)),
    "fill value": (Numpy, lambda: masked(1), lambda: masked(1, fill=8)),
    "a cell": (Pandas, lambda: pd.DataFrame({"a": [1, 2]}), lambda: pd.DataFrame({"a": [1, 3]})),
    "index": (Pandas, lambda: pd.Series([1], index=["a"]), lambda: pd.Series([1], index=["b"])),
    "name": (Pandas, lambda: pd.Series([1], name="a"), lambda: pd.Series([1], name="b")),
    "type of a column": (Pandas, lambda: pd.Series([1], dtype="i4"), lambda: pd.Series([1], dtype="i8")),
    "categories": (
        Pandas,
        lambda: pd.DataFrame({"a": pd.Categorical(["x"], ["x", "y"])}),
        lambda: pd.DataFrame({"a": pd.Categorical(["x"], ["y", "x"])}),
    ),
    "time zone": (
        Pandas,
        lambda: pd.DataFrame({"a": pd.to_datetime(["2026-01-01"]).tz_localize("UTC")}),
        lambda: pd.DataFrame({"a": pd.to_datetime(["2026-01-01"]).tz_localize("Europe/Berlin")}),
    ),
    "a cell of polars": (Polars, lambda: pl.DataFrame({"a": [1]}), lambda: pl.DataFrame({"a": [2]})),
    "type of polars": (
        Polars,
        lambda: pl.Series([1], dtype=pl.Int8),
        lambda: pl.Series([1], dtype=pl.Int16),
    ),
    "a cell of pyarrow": (PyArrow, lambda: pa.table({"a": [1]}), lambda: pa.table({"a": [None]})),
    "metadata of pyarrow": (
        PyArrow,
        lambda: pa.table({"a": [1]}),
        lambda: pa.table({"a": [1]}).replace_schema_metadata({"k": "v"}),
    ),
}


@pytest.mark.parametrize("name", ALIKE)
def test_equal_values_have_one_digest(name: str) -> None:
    plugin, one, other = ALIKE[name]
    digest = plugin().fingerprint_of(one())
    assert digest is not None
    assert digest == plugin().fingerprint_of(other())


@pytest.mark.parametrize("name", DIFFERENT)
def test_values_that_a_step_can_tell_apart_have_two(name: str) -> None:
    plugin, one, other = DIFFERENT[name]
    digests = {plugin().fingerprint_of(one()), plugin().fingerprint_of(other())}
    assert None not in digests
    assert len(digests) == 2


@pytest.mark.parametrize(
    ("plugin", "value"),
    [
        (Numpy, np.array([dt.date(2026, 1, 1)], object)),
        (Numpy, np.array(["a"], np.dtypes.StringDType())),
        (Pandas, type("Own", (pd.DataFrame,), {})({"a": [1]})),
    ],
    ids=["objects", "texts of any length", "a class of the project"],
)
def test_what_a_plugin_does_not_know_is_left_to_the_walk_over_its_state(plugin: Any, value: Any) -> None:
    assert plugin().fingerprint_of(value) is None
