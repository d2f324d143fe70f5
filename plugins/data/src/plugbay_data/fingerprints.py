"""Digests of values that a step reaches, so that it is computed anew when one of them has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from io import RawIOBase
from typing import TYPE_CHECKING, Any, BinaryIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from plugbay_hookspecs.types import Serializer


class _Hashing(RawIOBase):
    """A file that keeps the digest of what is written to it."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer, /) -> int:
        self.digest.update(data)
        with memoryview(data) as view:
            return view.nbytes


def digest_of_saved(value: Any, serializers: Sequence[Serializer]) -> bytes | None:
    """Take the digest of what the serializer of exactly this type writes; ``None`` for a value that it cannot keep."""
    kind = type(value)
    for serializer in serializers:
        if serializer.qualname != kind.__qualname__ or serializer.module != kind.__module__.partition(".")[0]:
            continue
        file = _Hashing()
        try:
            serializer.save(value, cast("BinaryIO", file))
        except (TypeError, ValueError):
            return None
        return file.digest.digest()
    return None


def digest_of_array(value: Any) -> bytes | None:
    """Take the digest of a NumPy array with fields, with a mask, or of dates; ``None`` for one that holds Python objects.

    What lies between fields and under a mask is left to chance, and does not count.
    """
    import numpy as np

    if type(value) is np.ma.MaskedArray and value.dtype.names is None and not value.dtype.hasobject:
        mask = np.ma.getmaskarray(value)
        data = np.where(mask, np.zeros((), value.dtype), np.ma.getdata(value))
        fill = _digest(np.asarray(value.fill_value))
        return hashlib.sha256(_digest(data) + _digest(mask) + fill).digest()
    if type(value) not in (np.ndarray, np.memmap) or value.dtype.hasobject or value.dtype.kind == "T":
        return None
    return _digest(np.asarray(value))


def _digest(array: Any) -> bytes:
    found = hashlib.sha256(repr((array.shape, array.dtype)).encode())
    if array.dtype.names is not None:
        for name in array.dtype.names:
            found.update(_digest(array[name]))
    else:
        found.update(array.tobytes())
    return found.digest()
