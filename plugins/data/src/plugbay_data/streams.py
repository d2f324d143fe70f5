"""Binary files as the libraries need them: written in pieces, and with the few methods that Arrow asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from attrs import define

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE = 1 << 20
"""Bytes handed over at once: what a file that hashes while it writes still finds in the processor's cache."""
BATCH = 16 << 20
"""Bytes, about, that a library may copy at once on their way to the file."""


def write_in_pieces(file: BinaryIO, data: ReadableBuffer) -> int:
    """Write ``data``, which is contiguous, without copying it.

    :returns: the number of bytes.
    """
    with memoryview(data) as view:
        if not view.nbytes:
            return 0
        with view.cast("B") as flat:
            for start in range(0, len(flat), PIECE):
                file.write(flat[start : start + PIECE])
            return len(flat)


@define
class Sink:
    """A file to write to from front to back, for a library that asks where it is and whether it is open."""

    file: BinaryIO
    position: int = 0
    closed: bool = False

    def write(self, data: ReadableBuffer) -> int:
        """Write all of ``data``."""
        written = write_in_pieces(self.file, data)
        self.position += written
        return written

    def tell(self) -> int:
        """Tell how many bytes were written."""
        return self.position

    def flush(self) -> None:
        """Do nothing: the file belongs to the caller."""

    def close(self) -> None:
        """Do nothing: the file belongs to the caller."""
