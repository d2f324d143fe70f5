"""What an artifact store tells of an object, and the part of it that a component has to itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Protocol

from attrs import frozen


@frozen(kw_only=True)
class ObjectStat:
    """An object in an artifact store."""

    key: str
    size: int
    """In bytes."""
    modified: float
    """Seconds since the epoch, by the store's clock."""


class ObjectStore(Protocol):
    """A component's own part of the stack's artifact store, which any machine sees that reaches the store.

    Keys are relative to it, and none leads out of it: parts of at most 255 bytes joined by ``/``, none of which is empty
    or begins with a dot, without control characters and backslashes; every method raises ``ValueError`` for another. An
    object does not lie under another one (``a`` and ``a/b``): not every store can keep that. All raise ``OSError`` for what
    the store cannot do. :mod:`plugbay_hookspecs.artifact_store` says what each of them promises. Garbage collection leaves
    alone what lies here: who writes it also deletes it.
    """

    def put(self, key: str, source: bytes | Path, *, if_absent: bool = False, durable: bool = True) -> bool:
        """Write an object, whole or not at all; a file is given up to the store. Return whether it was written."""

    def get(self, key: str) -> bytes:
        """Read a whole object. Raises ``FileNotFoundError`` when there is none."""

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Open an object or a range of it for reading. Raises ``FileNotFoundError`` when there is none."""

    def stat(self, key: str) -> ObjectStat | None:
        """Look an object up."""

    def list(self, prefix: str = "", *, after: str | None = None, recursive: bool = True) -> Iterator[ObjectStat]:
        """List objects in the order of their keys."""

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that is not there is no error."""

    def local_path(self, key: str) -> Path | None:
        """Where the object lies on the local disk."""

    def url(self, key: str) -> str | None:
        """The object's address for a person or another tool; ``None`` when it has none."""

    def scratch(self) -> Path | None:
        """A directory from which a file can be moved into the store."""
