"""PyArrow tables, record batches and arrays, as Arrow IPC streams.

The stream format and not the file format: only a stream may hold a dictionary for each chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from plugbay_data.declaring import serializer
from plugbay_data.facts import table_facts
from plugbay_data.fingerprints import digest_of_saved
from plugbay_data.streams import Sink
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Serializer

EXTENSION = ".arrows"


@component
class PyArrow:
    """Keep PyArrow tables, record batches and arrays as Arrow IPC streams."""

    @hookimpl
    def serializers(self) -> Sequence[Serializer]:
        """Give the serializers of ``Table``, ``RecordBatch``, ``ChunkedArray`` and ``Array``."""
        return [
            serializer("pyarrow.Table", EXTENSION, save_table, load_table, describe_table),
            serializer("pyarrow.RecordBatch", EXTENSION, save_batch, load_batch, describe_table),
            serializer("pyarrow.ChunkedArray", EXTENSION, save_chunked_array, load_chunked_array, describe_array),
            serializer("pyarrow.Array", EXTENSION, save_array, load_array, describe_array),
        ]

    @hookimpl
    def fingerprint_of(self, value: object) -> bytes | None:
        """Tell a value that a serializer keeps by what it writes."""
        return digest_of_saved(value, self.serializers())


def describe_table(value: Any) -> Mapping[str, object]:
    """Give the rows and columns of a table or a record batch."""
    return table_facts(value.num_rows, value.num_columns, value.schema.names, value.schema.types)


def describe_array(value: Any) -> Mapping[str, object]:
    """Give the length and the type of an array."""
    return {"length": len(value), "dtype": str(value.type)}


def save_table(value: Any, file: BinaryIO) -> None:
    """Write a table.

    :raises TypeError: for an extension type that nobody has registered.
    """
    _write(value.to_batches(), value.schema, file)


def load_table(source: Path | BinaryIO) -> Any:
    """Read a table; from a path, over the mapped file."""
    return _open(source).read_all()


def save_batch(value: Any, file: BinaryIO) -> None:
    """Write a record batch.

    :raises TypeError: for an extension type that nobody has registered.
    """
    _write([value], value.schema, file)


def load_batch(source: Path | BinaryIO) -> Any:
    """Read a record batch; from a path, over the mapped file."""
    return _open(source).read_next_batch()


def save_chunked_array(value: Any, file: BinaryIO) -> None:
    """Write a chunked array, a batch for each chunk.

    :raises TypeError: for an extension type that nobody has registered.
    """
    import pyarrow as pa  # type: ignore[import-untyped]

    schema = pa.schema([pa.field("", value.type)])
    _write((pa.record_batch([chunk], schema=schema) for chunk in value.chunks), schema, file)


def load_chunked_array(source: Path | BinaryIO) -> Any:
    """Read a chunked array; from a path, over the mapped file."""
    return _open(source).read_all().column(0)


def save_array(value: Any, file: BinaryIO) -> None:
    """Write an array.

    :raises TypeError: for an extension type that nobody has registered.
    """
    import pyarrow as pa

    schema = pa.schema([pa.field("", value.type)])
    _write([pa.record_batch([value], schema=schema)], schema, file)


def load_array(source: Path | BinaryIO) -> Any:
    """Read an array; from a path, over the mapped file."""
    return _open(source).read_next_batch().column(0)


def _write(batches: Iterable[Any], schema: Any, file: BinaryIO) -> None:
    from pyarrow import ipc

    kept = ipc.read_schema(schema.serialize())
    if not kept.equals(schema, check_metadata=True):
        lost = [f"{field.name}: {field.type}" for field, other in zip(schema, kept, strict=True) if field != other]
        msg = (
            f"Arrow would not give these types back: {', '.join(lost)}. Register them with "
            "pyarrow.register_extension_type wherever the table is read, or cast them to their storage type"
        )
        raise TypeError(msg)
    with ipc.new_stream(Sink(file), schema) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _open(source: Path | BinaryIO) -> Any:
    import pyarrow as pa
    from pyarrow import ipc

    return ipc.open_stream(pa.memory_map(str(source)) if isinstance(source, Path) else pa.py_buffer(source.read()))
