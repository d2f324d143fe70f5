"""polars frames and series, as Arrow IPC files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

from plugbay_data.declaring import serializer
from plugbay_data.expressions import parts_of_query
from plugbay_data.facts import table_facts
from plugbay_data.fingerprints import digest_of_saved
from plugbay_data.streams import BATCH, Sink
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Serializer

if TYPE_CHECKING:
    import polars as pl

EXTENSION = ".arrow"


@component
class Polars:
    """Keep polars frames and series as Arrow IPC files."""

    @hookimpl
    def serializers(self) -> Sequence[Serializer]:
        """Give the serializers of ``DataFrame`` and ``Series``, and of ``LazyFrame`` one that refuses it."""
        return [
            serializer("polars.DataFrame", EXTENSION, save_frame, load_frame, describe_frame),
            serializer("polars.Series", EXTENSION, save_series, load_series, describe_series),
            serializer("polars.LazyFrame", EXTENSION, refuse_lazy, refuse_lazy),
        ]

    @hookimpl
    def fingerprint_of(self, value: object) -> bytes | Mapping[str, object] | None:
        """Tell a value that a serializer keeps by what it writes, and an expression by the functions in it."""
        return digest_of_saved(value, self.serializers()) or parts_of_query(value)


def describe_frame(value: Any) -> Mapping[str, object]:
    """Give the rows and columns of a frame."""
    return table_facts(value.height, value.width, value.columns, value.dtypes)


def describe_series(value: Any) -> Mapping[str, object]:
    """Give the name, length and dtype of a series."""
    return {"name": value.name, "length": len(value), "dtype": str(value.dtype)}


def save_frame(value: Any, file: BinaryIO) -> None:
    """Write a frame.

    :raises TypeError: for a subclass, or a dtype that Arrow IPC does not give back.
    """
    import polars as pl

    if type(value) is not pl.DataFrame:
        raise TypeError(_why_not_subclass(value, "DataFrame"))
    _write(value, file)


def load_frame(source: Path | BinaryIO) -> pl.DataFrame:
    """Read a frame into memory; polars does not map a file."""
    import polars as pl

    if isinstance(source, Path):
        # As a file, because polars looks for * and [ in a name.
        with source.open("rb") as file:
            return pl.read_ipc(file)
    return pl.read_ipc(source)


def save_series(value: Any, file: BinaryIO) -> None:
    """Write a series.

    :raises TypeError: for a subclass, or a dtype that Arrow IPC does not give back.
    """
    import polars as pl

    if type(value) is not pl.Series:
        raise TypeError(_why_not_subclass(value, "Series"))
    _write(value.to_frame(), file)


def load_series(source: Path | BinaryIO) -> pl.Series:
    """Read a series into memory; polars does not map a file."""
    return load_frame(source).to_series()


def refuse_lazy(*_: Any) -> NoReturn:
    """Refuse a lazy frame: it is a query, and what it reads may be gone when it is asked for.

    :raises ValueError: always; not ``TypeError``, for pickle would keep the query and lose the data.
    """
    msg = "a polars.LazyFrame is a query and not data: return frame.collect()"
    raise ValueError(msg)


def _write(frame: pl.DataFrame, file: BinaryIO) -> None:
    kept = _schema_kept(frame)
    lost = {name: dtype for name, dtype in frame.schema.items() if kept.get(name) != dtype}
    if lost:
        named = ", ".join(f"{name!r}: {dtype}" for name, dtype in lost.items())
        msg = f"Arrow IPC does not give back the dtype of these columns: {named}. Cast or drop them"
        raise TypeError(msg)
    rows = max(1, BATCH * frame.height // max(1, int(frame.estimated_size())))
    frame.write_ipc(cast("Any", Sink(file)), record_batch_size=rows)


def _schema_kept(frame: pl.DataFrame) -> Mapping[str, pl.DataType]:
    import polars as pl

    file = BytesIO()
    try:
        frame.clear().write_ipc(file)
    except (pl.exceptions.PolarsError, NotImplementedError):
        # One dtype of many made it fail; find out which.
        if frame.width == 1:
            return {}
        return {name: dtype for column in frame for name, dtype in _schema_kept(column.to_frame()).items()}
    file.seek(0)
    return pl.read_ipc(file).schema


def _why_not_subclass(value: Any, plain: str) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}"
    return f"a {name} would come back as a plain polars.{plain}: return that, and make yours where it is used"
