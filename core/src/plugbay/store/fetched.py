"""Directories for files that were fetched from the store. Each goes with its process; garbage collection removes those of killed ones.

A process holds a lock in its directory while it lives, and the system lets go of it when the process is killed.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_PREFIX = "plugbay-fetched-"
_LOCK = ".lock"
_TRIES = 100


class FetchedDirectory:
    """A new directory for temporary files, which is this process's as long as it lives."""

    def __init__(self) -> None:
        """Make it."""
        from filelock import FileLock, Timeout  # most processes fetch no files

        for _ in range(_TRIES):
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX))
            self._lock = FileLock(self.path / _LOCK, thread_local=False)
            with suppress(Timeout, OSError):  # garbage is being collected, without any grace
                self._lock.acquire(timeout=0)
                return
        msg = f"no temporary directory can be made in {tempfile.gettempdir()}: each new one is removed at once"
        raise OSError(msg)

    def remove(self) -> None:
        """Remove it with all that is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.release()


def abandoned(before: float) -> Iterator[Path]:
    """Yield this user's directories of processes that are gone; each is locked until the next is asked for.

    :param before: directories that were changed later, in seconds since the epoch, are left out.
    """
    from filelock import FileLock, Timeout  # as above

    try:
        paths = sorted(Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"))
    except OSError:
        return
    for path in paths:
        with suppress(Timeout, OSError):
            found = path.lstat()
            ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
            if not ours or found.st_mtime >= before:
                continue
            lock = FileLock(path / _LOCK, thread_local=False)
            with lock.acquire(timeout=0):
                yield path
