"""The digests of large files and directories that were read before, kept on this machine: derived and disposable."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from plugbay.derived_table import DerivedTable
from plugbay.home import contents_index

if TYPE_CHECKING:
    from plugbay.contents import Signature

_VERSION = 1
_TABLE = """
CREATE TABLE files (
    path BLOB PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, changed INTEGER NOT NULL, inode INTEGER NOT NULL,
    digest TEXT NOT NULL, day INTEGER NOT NULL
) WITHOUT ROWID
"""
_AT_ONCE = 500
_FRESH, _OLD = 7, 60
"""Days after which it is noted again that a file is still asked for, and after which one that nobody asks for is dropped."""


class ContentIndex:
    """What files held, by path; whatever is wrong with the index, nothing is known."""

    def __init__(self) -> None:
        """Use the index of this user."""
        self._table = DerivedTable(contents_index(), "files", _VERSION, _TABLE, timeout=1)
        self._fresh: set[tuple[str, Signature]] = set()

    def known(self, paths: Sequence[str]) -> dict[str, tuple[Signature, str]]:
        """What is known of the paths: the signature that a file had, and the digest of its bytes."""
        found: dict[str, tuple[Signature, str]] = {}
        with suppress(sqlite3.Error, OSError, OverflowError), self._table.open() as connection:
            for start in range(0, len(paths), _AT_ONCE):
                some = [os.fsencode(path) for path in paths[start : start + _AT_ONCE]]
                marks = ", ".join("?" * len(some))
                for path, size, modified, changed, inode, digest, day in connection.execute(
                    f"SELECT * FROM files WHERE path IN ({marks})",  # noqa: S608  question marks
                    some,
                ):
                    name, signature = os.fsdecode(path), (size, modified, changed, inode)
                    found[name] = (signature, digest)
                    if day > _today() - _FRESH:
                        self._fresh.add((name, signature))
        return found

    def keep(self, files: Iterable[tuple[str, Signature, str]]) -> None:
        """Note what files hold: path, signature, digest."""
        today = _today()
        rows = [
            (os.fsencode(path), *signature, digest, today)
            for path, signature, digest in files
            if (path, signature) not in self._fresh
        ]
        if not rows:
            return
        with suppress(sqlite3.Error, OSError, OverflowError), self._table.open() as connection:
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("DELETE FROM files WHERE day < ?", (today - _OLD,))


def _today() -> int:
    return int(time.time() // 86_400)
