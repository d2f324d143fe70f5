"""NumPy arrays and scalars come back as they were, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from plugbay_data import arrays

Keep = Callable[[object], Any]
Save = Callable[[object], bytes]

SIMPLE = npst.scalar_dtypes()
DTYPES = SIMPLE | npst.array_dtypes(SIMPLE, max_size=3)


def assert_same(loaded: Any, value: Any) -> None:
    assert type(loaded) is np.ndarray
    assert loaded.dtype == value.dtype
    assert loaded.shape == value.shape
    assert loaded.tobytes() == value.tobytes()


@given(npst.arrays(DTYPES, npst.array_shapes(min_dims=0, min_side=0, max_dims=4)), st.booleans())
def test_an_array_comes_back_bit_for_bit(kept: Keep, value: np.ndarray, transposed: bool) -> None:
    value = value.T if transposed else value
    assert_same(kept(value), value)


@given(npst.arrays(st.sampled_from(["i4", "f8", "M8[s]"]), (7, 6)))
def test_a_view_with_gaps_comes_back_as_an_array(kept: Keep, value: np.ndarray) -> None:
    assert_same(kept(value[::2, ::-3]), value[::2, ::-3])


@given(st.builds(np.void, st.binary(min_size=1, max_size=5)) | SIMPLE.flatmap(npst.from_dtype))
def test_a_scalar_keeps_its_type(kept: Keep, value: np.generic) -> None:
    if isinstance(value, np.character) and value != np.asarray(value)[()]:
        with pytest.raises(TypeError, match="plain Python value"):
            kept(value)
        return
    loaded = kept(value)
    assert type(loaded) is type(value)
    assert loaded.dtype == value.dtype
    assert loaded.tobytes() == value.tobytes()


def test_a_string_scalar_that_ends_in_a_null_is_refused(saved: Save) -> None:
    with pytest.raises(TypeError, match="plain Python value"):
        saved(np.str_("a\0"))


def test_a_change_to_a_mapped_array_does_not_reach_the_file(tmp_path: Path, saved: Save) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(saved(np.arange(10)))
    loaded = arrays.load_array(path)
    assert isinstance(loaded.base, np.memmap)
    loaded[0] = 99
    assert arrays.load_array(path)[0] == 0


def test_a_memmap_is_kept_as_the_array_it_is(tmp_path: Path, kept: Keep) -> None:
    np.save(tmp_path / "a.npy", np.arange(10.0))
    assert_same(kept(np.load(tmp_path / "a.npy", mmap_mode="r")), np.arange(10.0))


def test_a_column_major_array_stays_column_major(kept: Keep) -> None:
    assert kept(np.asfortranarray(np.ones((3, 4)))).flags.f_contiguous


def test_an_array_of_many_fields_can_be_read_back(kept: Keep) -> None:
    value = np.zeros(2, [(f"a rather long name of a field {number}", "f8") for number in range(2000)])
    assert_same(kept(value), value)


def test_a_structured_array_with_padding_and_unusual_names_comes_back(kept: Keep) -> None:
    value = np.zeros(3, np.dtype([("größe", "i1"), ("重さ", "f8")], align=True))
    assert_same(kept(value), value)


class Subclass(np.ndarray):
    """An array of somebody else's."""


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        (np.array([{}], dtype=object), "without pickle"),
        (np.zeros(1, [("a", "i4"), ("b", object)]), "without pickle"),
        (np.array(["a"], dtype=np.dtypes.StringDType()), "astype"),
        (np.zeros(1, np.dtype("f8", metadata={"unit": "m"})), "metadata"),
        (np.zeros(1, [("a", np.dtype("f8", metadata={"unit": "m"}))]), "metadata"),
        (np.zeros(1, np.dtype((np.record, [("a", "i4")]))), "view"),
        (np.ma.MaskedArray([1, 2], [True, False]), "without its mask"),
        (np.zeros(1, [("a", "i4")]).view(np.recarray), "numpy.asarray"),
        (np.zeros((1, 1)).view(np.matrix), "numpy.asarray"),
        (np.zeros(1).view(Subclass), "numpy.asarray"),
        (np.rec.array([(1,)], dtype=[("a", "i4")])[0], "view"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_what_npy_cannot_keep_is_refused_with_advice(saved: Save, value: object, advice: str) -> None:
    with pytest.raises(TypeError, match=advice):
        saved(value)


def test_the_record_names_shape_and_dtype(described: Callable[[object], dict[str, object]]) -> None:
    assert described(np.zeros((2, 3), "f4")) == {"shape": [2, 3], "dtype": "float32"}
    assert described(np.float32(1)) == {"shape": [], "dtype": "float32"}
