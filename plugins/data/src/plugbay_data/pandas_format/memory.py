"""The bytes of a file as private memory: a write to them stays in this process."""

import mmap
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from attrs import frozen


@frozen(eq=False)
class PrivateMemory:
    """The bytes of a file, writable."""

    content: np.ndarray[Any, np.dtype[np.uint8]]

    @classmethod
    def of(cls, source: Path | BinaryIO) -> "PrivateMemory":
        """Map a file copy-on-write, or take a copy of one in memory."""
        if not isinstance(source, Path):
            return cls(np.frombuffer(bytearray(source.read()), np.uint8))
        with source.open("rb") as file:
            return cls(np.frombuffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), np.uint8))

    def array(self, buffer: Any, dtype: np.dtype[Any], offset: int, length: int) -> np.ndarray[Any, Any]:
        """Give ``length`` elements from the ``offset``-th of an Arrow buffer as an array that can be written to.

        PyArrow's arrays are read-only; so the buffer is found by its address in this memory. One that lies elsewhere is
        copied.
        """
        start = buffer.address - self.content.ctypes.data
        if start >= 0 and start + buffer.size <= self.content.size:
            return np.frombuffer(self.content, dtype, length, start + offset * dtype.itemsize)
        return np.frombuffer(buffer, dtype, length, offset * dtype.itemsize).copy()
