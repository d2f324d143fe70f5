"""NumPy arrays and scalars, as ``.npy``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from io import SEEK_END
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from plugbay_data.declaring import serializer
from plugbay_data.fingerprints import digest_of_array
from plugbay_data.streams import BATCH, write_in_pieces
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Serializer

if TYPE_CHECKING:
    import numpy as np

HEADER_LIMIT = 1 << 24
"""Bytes of a header; NumPy's own limit of 10,000 is passed by a structured array of some hundred fields."""


@component
class Numpy:
    """Keep NumPy arrays and scalars as .npy files."""

    @hookimpl
    def serializers(self) -> Sequence[Serializer]:
        """Give the serializers of ``ndarray`` and ``generic``."""
        return [
            serializer("numpy.ndarray", ".npy", save_array, load_array, describe),
            serializer("numpy.generic", ".npy", save_scalar, load_scalar, describe),
        ]

    @hookimpl
    def fingerprint_of(self, value: object) -> bytes | None:
        """Tell arrays of dates, with fields and with a mask by their content."""
        return digest_of_array(value)


def describe(value: Any) -> Mapping[str, object]:
    """Give the shape (a list of int) and the dtype of an array or a scalar."""
    return {"shape": list(value.shape), "dtype": str(value.dtype)}


def save_array(value: Any, file: BinaryIO) -> None:
    """Write an array; a ``memmap`` as the array it is.

    The order of the axes in memory is kept when the array is contiguous, and is C otherwise.

    :raises TypeError: for a dtype that ``.npy`` cannot keep without pickle, or another subclass of ``ndarray``.
    """
    import numpy as np

    if type(value) not in (np.ndarray, np.memmap):
        raise TypeError(_why_not_subclass(value))
    write_npy(np.asarray(value), file)


def load_array(source: Path | BinaryIO) -> np.ndarray[Any, Any]:
    """Read an array; from a path as private memory over the file, which a change to the array never reaches."""
    import numpy as np

    if isinstance(source, Path):
        mapped = np.lib.format.open_memmap(source, mode="c", max_header_size=HEADER_LIMIT)
        # A memmap would show in what is computed from it; a plain array over the same memory does not.
        return np.asarray(mapped)
    loaded: np.ndarray[Any, Any] = np.lib.format.read_array(source, allow_pickle=False, max_header_size=HEADER_LIMIT)
    if loaded.dtype.fields is None or not loaded.nbytes:
        return loaded
    # NumPy copied field by field and left the gaps between them to chance: the same value would get another digest.
    source.seek(-loaded.nbytes, SEEK_END)
    order: Literal["C", "F"] = "C" if loaded.flags.c_contiguous else "F"
    return np.frombuffer(bytearray(source.read()), loaded.dtype).reshape(loaded.shape, order=order)


def save_scalar(value: Any, file: BinaryIO) -> None:
    """Write a scalar as an array without dimensions.

    :raises TypeError: when an array cannot hold the value as it is.
    """
    import numpy as np

    array = np.asarray(value)
    held: Any = array[()]
    if type(held) is not type(value) or (isinstance(value, np.character) and held != value):
        msg = (
            f"a {_name_of(value)} cannot be kept as .npy, which would give back {held!r}: "
            "return a plain Python value or an array of it"
        )
        raise TypeError(msg)
    write_npy(array, file)


def load_scalar(source: Path | BinaryIO) -> np.generic:
    """Read a scalar."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return load_scalar(file)
    scalar: Any = load_array(source)[()]
    return cast("np.generic", scalar)


def write_npy(array: np.ndarray[Any, Any], file: BinaryIO) -> None:
    """Write ``array`` in the ``.npy`` format, without a copy when it is contiguous and in small ones otherwise.

    :raises TypeError: for a dtype that the format cannot keep.
    """
    import numpy as np

    _refuse_lost_dtype(array.dtype)
    header = np.lib.format.header_data_from_array_1_0(array)
    if array.dtype.fields is None:
        np.lib.format.write_array_header_1_0(file, header)
    else:
        _write_long_header(repr(header), file)
    if array.nbytes:
        for part in _contiguous_parts(array.T if header["fortran_order"] else array):
            write_in_pieces(file, part.reshape(-1).view(np.uint8).data)


def _write_long_header(header: str, file: BinaryIO) -> None:
    # Version 3.0 takes many fields and any name. NumPy writes it too, but warns of it.
    import numpy as np

    start = np.lib.format.magic(3, 0)
    content = header.encode()
    length_bytes = 4
    unpadded = len(start) + length_bytes + len(content) + 1
    content += b" " * (-unpadded % np.lib.format.ARRAY_ALIGN) + b"\n"
    file.write(start + len(content).to_bytes(length_bytes, "little") + content)


def _contiguous_parts(array: np.ndarray[Any, Any]) -> Iterator[np.ndarray[Any, Any]]:
    import numpy as np

    if array.flags.c_contiguous:
        yield array
        return
    rows = BATCH // array[0].nbytes
    if not rows:
        for row in array:
            yield from _contiguous_parts(row)
        return
    for start in range(0, len(array), rows):
        part = array[start : start + rows]
        # From zeros, so that the gaps between the fields of a structured dtype are the same each time.
        together = np.zeros(part.shape, part.dtype)
        together[...] = part
        yield together


def _refuse_lost_dtype(dtype: np.dtype[Any]) -> None:
    import numpy as np

    if dtype.kind == "T":
        msg = f".npy cannot keep {dtype!r}: convert the array with astype('U'), or return a table"
    elif dtype.hasobject:
        msg = (
            f".npy cannot keep Python objects (dtype {dtype}) without pickle: convert the array to a dtype without "
            "objects, such as astype(float) or astype('U'), or return array.tolist()"
        )
    elif np.lib.format.drop_metadata(dtype) is not dtype:
        msg = f".npy would lose the metadata of {dtype!r}: take it off first, with array.astype({dtype.str!r})"
    else:
        kept = np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(dtype))
        # A record array's dtype equals the plain one, and still its elements have attributes that would be lost.
        if kept == dtype and (dtype.kind != "V" or kept.type is dtype.type):
            return
        msg = f".npy would turn {dtype!r} into {kept!r}: return array.astype(...) or array.view(...)"
    raise TypeError(msg)


def _why_not_subclass(value: Any) -> str:
    import numpy as np

    lost = f"a {_name_of(value)} would come back as a plain numpy.ndarray"
    if isinstance(value, np.ma.MaskedArray):
        return f"{lost}, without its mask: return value.filled(...), or value.data and value.mask as two outputs"
    return f"{lost}: return numpy.asarray(value) and make the {type(value).__name__} where it is used"


def _name_of(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
