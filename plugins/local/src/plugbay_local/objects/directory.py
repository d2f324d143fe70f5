"""A directory as an object store: what a flavor is given of the stack's artifact store, where the settings name a path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from plugbay_hookspecs.types.store import ObjectStat
from plugbay_local.objects import directories, keys, listing, reading, removing, writing


class Directory:
    """Objects as files below a root; see :class:`plugbay_hookspecs.types.ObjectStore`."""

    def __init__(self, root: str) -> None:
        """Keep objects below ``root``, which is made when the first one is written."""
        self._root = root

    def put(self, key: str, source: bytes | Path, *, if_absent: bool = False, durable: bool = True) -> bool:
        """Write an object, whole or not at all; a file is given up."""
        return writing.write_object(self._root, key, source, if_absent=if_absent, durable=durable)

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        return reading.read_object(self._root, key)

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Open an object or a range of it."""
        return reading.open_object(self._root, key, offset, length)

    def stat(self, key: str) -> ObjectStat | None:
        """Look an object up."""
        return reading.stat_object(self._root, key)

    def list(self, prefix: str = "", *, after: str | None = None, recursive: bool = True) -> Iterator[ObjectStat]:
        """List objects in the order of their keys."""
        return listing.list_objects(self._root, prefix, after, recursive=recursive)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects."""
        removing.delete_objects(self._root, keys)

    def local_path(self, key: str) -> Path | None:
        """Where the object lies."""
        return None if reading.stat_object(self._root, key) is None else Path(self._root, key)

    def url(self, key: str) -> str | None:
        """Where the object lies, or would."""
        keys.parts_of(key)
        return Path(self._root, key).as_uri()

    def scratch(self) -> Path | None:
        """Where files lie before they become objects."""
        directories.create_scratch(self._root)
        return Path(self._root, directories.SCRATCH)
