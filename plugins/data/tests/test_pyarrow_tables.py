"""PyArrow tables, record batches and arrays come back as they were, or are refused."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from plugbay_data import tables

Keep = Callable[[object], Any]
Save = Callable[[object], bytes]

ARRAYS = [
    pa.array([1, None, 3]),
    pa.array([], pa.int8()),
    pa.array([True, None]),
    pa.nulls(3),
    pa.array(["a", None, "ä"]),
    pa.array(["a", None], pa.string_view()),
    pa.array([[1], None, []]),
    pa.array([{"a": 1, "b": None}, None]),
    pa.array([Decimal("1.50"), None]),
    pa.array([0, None], pa.timestamp("us", "Europe/Berlin")),
    pa.array(["b", "a", None, "b"]).dictionary_encode(),
    pa.array([[("k", 1)], None], pa.map_(pa.string(), pa.int8())),
    pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["w", "x"])]),
    pa.RunEndEncodedArray.from_arrays([2, 3], ["a", "b"]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))
def test_an_array_and_a_part_of_it_come_back_with_their_class(kept: Keep, array: Any) -> None:
    for value in (array, array[1:], array[:1]):
        loaded = kept(value)
        assert type(loaded) is type(value)
        assert loaded.type == value.type
        assert loaded.equals(value)
        loaded.validate(full=True)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))
def test_a_chunked_array_keeps_its_chunks(kept: Keep, array: Any) -> None:
    for chunks in ([array, array[:0], array[1:]], []):
        value = pa.chunked_array(chunks, array.type)
        loaded = kept(value)
        assert loaded.type == value.type
        assert [len(chunk) for chunk in loaded.chunks] == [len(chunk) for chunk in value.chunks]
        assert loaded.equals(value)


@pytest.mark.parametrize("array", ARRAYS, ids=lambda array: str(array.type))
def test_a_table_and_a_batch_keep_columns_duplicate_names_and_metadata(kept: Keep, array: Any) -> None:
    schema = pa.schema([pa.field("a", array.type, metadata={"f": "1"}), pa.field("a", array.type)], metadata={"t": "2"})
    for value in (pa.table([array, array], schema=schema), pa.record_batch([array, array], schema=schema)):
        loaded = kept(value)
        assert type(loaded) is type(value)
        assert loaded.schema.equals(value.schema, check_metadata=True)
        assert loaded.equals(value)


def test_a_table_whose_chunks_have_dictionaries_of_their_own_comes_back(kept: Keep) -> None:
    chunks = [pa.array(items).dictionary_encode() for items in (["a"], ["b", "c"], ["a", "d"])]
    value = pa.table({"a": pa.chunked_array(chunks)})
    loaded = kept(value)
    assert loaded.equals(value)
    assert [chunk.dictionary.to_pylist() for chunk in loaded["a"].chunks] == [["a"], ["b", "c"], ["a", "d"]]


def test_a_table_without_columns_keeps_its_rows(kept: Keep) -> None:
    assert kept(pa.table({"a": [1, 2]}).select([])).num_rows == 2


def test_a_table_without_rows_comes_back(kept: Keep) -> None:
    value = pa.table({"a": pa.array([], pa.dictionary(pa.int8(), pa.string()))})
    assert kept(value).equals(value)


def test_a_table_on_the_disk_is_mapped_and_not_read(tmp_path: Path, saved: Save) -> None:
    path = tmp_path / "table.arrows"
    path.write_bytes(saved(pa.table({"a": range(1_000_000)})))
    before = pa.total_allocated_bytes()
    table = tables.load_table(path)
    assert table.nbytes >= 8_000_000
    assert pa.total_allocated_bytes() - before < 1_000_000


class Unregistered(pa.ExtensionType):  # type: ignore[misc]
    """A type of somebody else's that Arrow was not told of."""

    def __init__(self) -> None:
        super().__init__(pa.int8(), "plugbay.tests.unregistered")

    def __arrow_ext_serialize__(self) -> bytes:
        """Give the parameters of the type: none."""
        return b""


def test_an_extension_type_that_nobody_registered_is_refused(saved: Save) -> None:
    array = pa.ExtensionArray.from_storage(Unregistered(), pa.array([1], pa.int8()))
    for value in (array, pa.chunked_array([array]), pa.table({"a": array}), pa.record_batch({"a": array})):
        with pytest.raises(TypeError, match="register_extension_type"):
            saved(value)


def test_a_dictionary_of_dictionaries_is_refused(saved: Save) -> None:
    inner = pa.array(["a", "b"]).dictionary_encode()
    with pytest.raises(TypeError):
        saved(pa.DictionaryArray.from_arrays(pa.array([1, 0]), inner))


def test_the_record_names_rows_and_columns(described: Callable[[object], dict[str, object]]) -> None:
    facts = {"rows": 1, "column_count": 1, "columns": ["a"], "dtypes": ["int64"]}
    assert described(pa.table({"a": [1]})) == facts
    assert described(pa.record_batch({"a": [1]})) == facts
    assert described(pa.array([1])) == {"length": 1, "dtype": "int64"}
