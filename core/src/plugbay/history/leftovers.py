"""What processes that were killed have left on this machine, beside the store."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from plugbay.home import lock_directory, log_directory
from plugbay.store.fetched import abandoned


def remove_leftovers(before: float, *, dry_run: bool) -> tuple[int, int]:
    """Remove locks that nobody holds, directories for logs that have none, and files that were fetched.

    A run whose lock is gone is, like one whose lock nobody holds, a run without a driver.

    :param before: what was changed later, in seconds since the epoch, is left alone.
    :returns: the number of files, and their bytes.
    """
    count = size = 0
    for path in _files(lock_directory()):
        if path.suffix == ".lock" and _is_old(path, before) and _let_go(path, dry_run=dry_run):
            count += 1
    for path in _files(log_directory()):
        if not dry_run and _is_old(path, before):
            with suppress(OSError):  # it has logs
                path.rmdir()
    for directory in abandoned(before):
        with suppress(OSError):
            for path in directory.rglob("*"):
                if path.is_file():
                    count, size = count + 1, size + path.lstat().st_size
        if not dry_run:
            shutil.rmtree(directory, ignore_errors=True)
    return count, size


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(directory.iterdir())
    except OSError:
        return []


def _is_old(path: Path, before: float) -> bool:
    try:
        return path.lstat().st_mtime < before
    except OSError:
        return False


def _let_go(path: Path, *, dry_run: bool) -> bool:
    """Remove a lock that nobody holds, while holding it: who has just opened it sees that it is gone, and makes another."""
    try:
        with FileLock(path, thread_local=False).acquire(timeout=0):
            if not dry_run:
                path.unlink(missing_ok=True)
    except (Timeout, OSError):
        return False
    return True
