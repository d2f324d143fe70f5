"""What the formats cannot give back is pickled in a run whose configuration allows it, and comes back as it was."""

from __future__ import annotations

import datetime as dt
import enum
import uuid
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugbay.serializers.choice import SerializationError, Serializers
from plugbay.stack import Stack
from plugbay.store.artifacts import Artifacts
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator


class Colour(enum.Enum):
    RED = 1


class Matrix(np.ndarray):  # type: ignore[type-arg]
    """An array of somebody else's."""


class Frame(pd.DataFrame):  # type: ignore[misc]
    """A frame of somebody else's."""


ELEMENTS: list[Any] = [
    *(np.arange(3.0), [1, np.int8(2)], {"a": {1}}, (1, 2), {1, 2}, dt.time(1, 2), dt.date(2024, 1, 2), dt.timedelta(1)),
    *(dt.datetime(2024, 1, 2), dt.datetime(2024, 1, 2, tzinfo=dt.UTC), Decimal("1.50"), uuid.UUID(int=3), Colour.RED),
    *(None, np.nan, pd.NA, pd.NaT, "a", "\ud800", 1, 1.5, True, 1j, b"a", np.datetime64("2024"), pd.Timestamp("2024")),
    *(pd.DataFrame({"a": [1]}), pd.Series([1]), Path("a"), range(3), int),
]


def column(elements: list[Any]) -> Any:
    values = np.empty(len(elements), dtype=object)
    for row, element in enumerate(elements):
        values[row] = element
    return values


def same(one: Any, other: Any) -> bool:
    if type(one) is not type(other):
        return False
    if isinstance(one, (pd.DataFrame, pd.Series, pd.Index)):
        return bool(one.equals(other))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and bool((one == other).all())
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return repr(one) == repr(other)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Any:
    place = LocalArtifactStore(path=tmp_path_factory.mktemp("store"))
    return Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=place).artifact_store


@pytest.fixture(scope="module")
def allowing(store: Any) -> Iterator[Artifacts]:
    artifacts = Artifacts(store, Serializers(allow_pickle=True))
    yield artifacts
    artifacts.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(st.lists(st.sampled_from(ELEMENTS), min_size=1, max_size=4))
def test_a_column_of_any_objects_comes_back(allowing: Artifacts, elements: list[Any]) -> None:
    values = column(elements)
    frame = pd.DataFrame({"a": pd.Series(values, dtype=object), "b": range(len(elements))})
    for value in (frame, frame["a"], pd.Index(values, dtype=object, tupleize_cols=False)):
        loaded = allowing.load(allowing.save("output", value))
        assert type(loaded) is type(value)
        found = loaded["a"] if isinstance(loaded, pd.DataFrame) else loaded
        assert found.dtype == object
        assert same(list(found), elements)
    loaded = allowing.load(allowing.save("output", values))
    assert same(list(loaded), elements)


@pytest.mark.parametrize(
    "value",
    [
        np.array([{}, None], dtype=object),
        np.array(["a"], dtype=np.dtypes.StringDType()),
        np.zeros(2, np.dtype("f8", metadata={"unit": "m"})),
        np.ma.MaskedArray([1, 2], [True, False]),
        np.rec.array([(1,)], dtype=[("a", "i4")]),
        np.ones((1, 2)).view(np.matrix),
        np.ones(2).view(Matrix),
        pd.DataFrame({"a": [1j]}),
        pd.DataFrame({"a": pd.arrays.SparseArray([1, 0])}),
        Frame({"a": [1]}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_its_format_cannot_keep_is_pickled_or_refused_with_the_reason(
    store: Any, allowing: Artifacts, value: Any
) -> None:
    artifact = allowing.save("output", value)
    assert artifact.serializer == "pickle"
    loaded = allowing.load(artifact)
    assert type(loaded) is type(value)
    assert str(loaded) == str(value)
    assert getattr(loaded, "dtype", None) == getattr(value, "dtype", None)
    assert getattr(getattr(loaded, "dtype", None), "metadata", None) == getattr(
        getattr(value, "dtype", None), "metadata", None
    )
    reason = str(artifact.metadata["pickled_because"])
    with pytest.raises(SerializationError) as caught:
        Artifacts(store, Serializers(allow_pickle=False)).save("output", value)
    assert str(caught.value).startswith(reason)
    assert "allow_pickle = false" in str(caught.value)


def test_a_text_that_neither_numpy_nor_its_pickle_keeps_is_refused(allowing: Artifacts) -> None:
    with pytest.raises(SerializationError, match=r"return a plain Python value.*; and pickle would change the value"):
        allowing.save("output", np.str_("a\0"))


def test_a_large_frame_that_turns_out_to_need_pickle_leaves_nothing_behind(store: Any, allowing: Artifacts) -> None:
    frame = pd.DataFrame({"a": np.arange(100_000.0), "b": [np.arange(2)] * 100_000})
    loaded = allowing.load(allowing.save("output", frame))
    assert (loaded["a"] == frame["a"]).all()
    assert list(store.scratch().iterdir()) == []


@pytest.mark.parametrize(
    "value", [pl.DataFrame({"b": [object()]}), pl.Series("b", [object()])], ids=["frame", "series"]
)
def test_objects_of_polars_are_refused_with_both_reasons(allowing: Artifacts, value: Any) -> None:
    with pytest.raises(SerializationError, match=r"'b': Object.*cannot be pickled"):
        allowing.save("output", value)


def test_a_lazy_frame_is_not_pickled(allowing: Artifacts) -> None:
    with pytest.raises(ValueError, match=r"return frame\.collect\(\)"):
        allowing.save("output", pl.LazyFrame({"a": [1]}))
