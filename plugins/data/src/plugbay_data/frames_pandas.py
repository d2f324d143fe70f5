"""pandas frames and series, as Arrow IPC files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from plugbay_data.declaring import serializer
from plugbay_data.facts import table_facts
from plugbay_data.fingerprints import digest_of_saved
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Serializer

if TYPE_CHECKING:
    from types import ModuleType

EXTENSION = ".arrow"


@component
class Pandas:
    """Keep pandas frames and series as Arrow IPC files."""

    @hookimpl
    def serializers(self) -> Sequence[Serializer]:
        """Give the serializers of ``DataFrame`` and ``Series``."""
        return [
            serializer("pandas.DataFrame", EXTENSION, save_frame, load_frame, describe_frame),
            serializer("pandas.Series", EXTENSION, save_series, load_series, describe_series),
        ]

    @hookimpl
    def fingerprint_of(self, value: object) -> bytes | None:
        """Tell a value that a serializer keeps by what it writes."""
        return digest_of_saved(value, self.serializers())


def describe_frame(value: Any) -> Mapping[str, object]:
    """Give the rows and columns of a frame."""
    return table_facts(len(value), value.shape[1], value.columns, value.dtypes)


def describe_series(value: Any) -> Mapping[str, object]:
    """Give the name, length and dtype of a series."""
    return {"name": None if value.name is None else str(value.name), "length": len(value), "dtype": str(value.dtype)}


def save_frame(value: Any, file: BinaryIO) -> None:
    """Write a frame.

    :raises TypeError: for a subclass, what Arrow cannot give back as it was, or without PyArrow.
    """
    _format_to_save().save_frame(value, file)


def load_frame(source: Path | BinaryIO) -> Any:
    """Read a frame; from a path as private memory over the file, which a change to the frame never reaches."""
    return _format().load_frame(source)


def save_series(value: Any, file: BinaryIO) -> None:
    """Write a series.

    :raises TypeError: for a subclass, what Arrow cannot give back as it was, or without PyArrow.
    """
    _format_to_save().save_series(value, file)


def load_series(source: Path | BinaryIO) -> Any:
    """Read a series; from a path as private memory over the file, which a change to the series never reaches."""
    return _format().load_series(source)


def _format_to_save() -> ModuleType:
    try:
        return _format()
    except ModuleNotFoundError as cause:
        raise TypeError(str(cause)) from cause  # the value may be pickled


def _format() -> ModuleType:
    try:
        from plugbay_data.pandas_format import frames
    except ModuleNotFoundError as cause:
        msg = f"{cause.name} is needed to keep pandas values in Arrow's format: pip install 'plugbay-data[pandas]'"
        raise ModuleNotFoundError(msg, name=cause.name) from cause
    return frames
