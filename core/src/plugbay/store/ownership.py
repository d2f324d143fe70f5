"""Who drives a run: one process at a time, and everybody can tell when it is gone."""

from __future__ import annotations

import functools
import os
import platform
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from plugbay.errors import RunBusyError, StoreError
from plugbay.home import lock_directory
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.documents import Driver, read, write
from plugbay.store.layout import cancel_key, driver_key, heartbeat_key, run_prefix

HEARTBEAT = 5.0
"""Seconds between two signs of life of a driver, once a run has lasted that long."""
SILENCE = 60.0
"""Seconds without a sign of life after which a driver on another machine counts as gone."""


@functools.cache
def _boot_id() -> str:
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return "unknown"


def this_process(run_id: str, number: int) -> Driver:
    """Describe this process as the driver of a run."""
    return Driver(
        number=number,
        host=platform.node(),
        boot=_boot_id(),
        pid=os.getpid(),
        lock=str(lock_directory() / f"{run_id}.lock"),
        at=time.time(),
    )


def is_gone(driver: Driver, store: ArtifactStore, run_id: str) -> bool:
    """Whether the process that drove the run has ended without saying so.

    On the driver's own machine its lock tells. Elsewhere it counts as gone once it gave no sign of life for a minute.
    """
    if driver.host == platform.node():
        if driver.boot != _boot_id():
            return True
        return not _is_lock_of(driver.lock, run_id) or _can_lock(driver.lock)
    beat = store.stat(heartbeat_key(run_id))
    last = max(driver.at, beat.modified if beat is not None else 0.0)
    return time.time() - last > SILENCE


def _is_lock_of(path: str, run_id: str) -> bool:
    """Whether the lock is there; another file is not touched, whatever a document in a shared store says."""
    try:
        return Path(path).name == f"{run_id}.lock" and Path(path).is_file()
    except (OSError, ValueError):  # no path at all
        return False


def _can_lock(path: str) -> bool:
    lock = FileLock(path, thread_local=False)
    try:
        with Path(path).open("rb") as found:
            lock.acquire(timeout=0)
            # if its driver removed it just now, the line above made another
            if os.fstat(found.fileno()).st_nlink == 0:
                Path(path).unlink(missing_ok=True)
    except Timeout:
        return False
    except OSError:
        return True
    finally:
        lock.release()
    return True


def latest_driver(first: Driver, store: ArtifactStore, run_id: str) -> Driver:
    """The driver that claimed the run last."""
    latest = first
    for entry in store.list(f"{run_prefix(run_id)}drivers/"):
        latest = read(store.get(entry.key), Driver, entry.key)
    return latest


class Ownership:
    """Holds a run for this process: a lock while it lives, and a heartbeat for those who cannot see the lock."""

    def __init__(
        self, run_id: str, store: ArtifactStore, *, cancel: Callable[[], None], each_beat: Callable[[], None]
    ) -> None:
        """Prepare to hold the run ``run_id``; both calls are made from another thread.

        :param cancel: called when somebody has asked for the run to be cancelled.
        :param each_beat: called with every heartbeat.
        """
        self._run_id, self._store, self._cancel, self._each_beat = run_id, store, cancel, each_beat
        self._lock = FileLock(lock_directory() / f"{run_id}.lock", thread_local=False)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="plugbay-heartbeat", daemon=True)

    def __enter__(self) -> Self:
        """Take the lock. Raises :class:`RunBusyError` when another process of this machine has it."""
        try:
            lock_directory().mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            msg = f"run {self._run_id} is being driven by another process; wait for it, or cancel it with: plugbay cancel {self._run_id}"
            raise RunBusyError(msg) from error
        except OSError as error:
            msg = f"the lock {self._lock.lock_file} cannot be taken: {error.strerror}; set PLUGBAY_HOME to a directory that can be written"
            raise StoreError(msg) from error
        self._thread.start()
        return self

    def claim(self, after: Driver) -> Driver:
        """Become the next driver of a run whose driver is gone. Raises :class:`RunBusyError` when another was faster."""
        mine = this_process(self._run_id, after.number + 1)
        if not self._store.put(driver_key(self._run_id, mine.number), write(mine), if_absent=True):
            msg = f"run {self._run_id} has just been resumed by another process"
            raise RunBusyError(msg)
        self._store.delete([cancel_key(self._run_id)])
        return mine

    def _beat(self) -> None:
        while not self._over.wait(HEARTBEAT):
            with suppress(StoreError, OSError):  # the store may be away for a while; the run itself will tell
                self._store.put(heartbeat_key(self._run_id), b"", durable=False)
                if self._store.stat(cancel_key(self._run_id)) is not None:
                    self._cancel()
            self._each_beat()

    def __exit__(self, *exception: object) -> None:
        """Let go of the run."""
        self._over.set()
        self._thread.join()
        with suppress(OSError):
            Path(self._lock.lock_file).unlink()
        self._lock.release()
        with suppress(StoreError, OSError):
            self._store.delete([heartbeat_key(self._run_id), cancel_key(self._run_id)])
