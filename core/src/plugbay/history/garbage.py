"""Garbage collection: marking from runs what is needed, and removing what is not.

Nothing that a running run can still need is removed. While any run is in progress, runs that have expired wait, because a
cache hit may have made their results part of it. A run whose driver cannot be asked from here is in progress unless it gives
no sign of life for longer than a resumption would wait. A run that could be gone on with is claimed before it is deleted, as
by a process that resumes it: a driver that wakes up stops, and a resumption gives way.

A blob that no run refers to is removed only once it is older than the grace period, because an attempt stores its outputs
before its record; a store that meets a blob it already has makes it young again. How the two keep out of each other's way
where that happens at one moment: :mod:`plugbay.store.sweeps` and :mod:`plugbay.store.file_sweeps`.

What cannot be read is not removed, and neither is anything that it may need: a run with a document that is damaged, or that
a later release wrote, is kept, and so is every blob as long as there is one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from attrs import define, frozen

from plugbay.errors import DamagedDocumentError, NotFoundError, RunBusyError, StoreError
from plugbay.history.leftovers import remove_leftovers
from plugbay.history.reader import Reader
from plugbay.home import lock_directory, log_directory
from plugbay.stack import Stack
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store import ownership
from plugbay.store.artifacts import blobs_of
from plugbay.store.distant import each
from plugbay.store.documents import AttemptRecord, CacheEntry, Driver, read
from plugbay.store.file_sweeps import sweep_files
from plugbay.store.layout import (
    BLOBS,
    CACHE,
    CLOCKS,
    SOURCES,
    blob_key,
    driver_key,
    drivers_prefix,
    run_prefix,
    steps_prefix,
)
from plugbay.store.ownership import claim, known_fate, latest_driver, signs_of_life, silent_for, this_process
from plugbay.store.store_clock import StoreClock
from plugbay.store.sweeps import forget, sweep
from plugbay_hookspecs.types import Artifact, ObjectStat

GRACE = 24 * 3600.0
"""Seconds for which an object that no run refers to is left alone."""
_BATCH = 500
_PATIENCE = 2
"""How many times longer than a resumption a collection waits for a sign of life."""
_log = logging.getLogger("plugbay")


@frozen(kw_only=True)
class Collected:
    """What a collection removed, or would remove."""

    runs: tuple[str, ...]
    waiting: tuple[str, ...]
    """Runs that have expired but are kept while a run is in progress, or because a kept run uses (or may use) their results."""
    unreadable: tuple[str, ...]
    """Runs with a document that cannot be read: they are kept, and so is every blob."""
    cache_entries: int
    blobs: int
    scratch_files: int
    """Left behind by processes that were killed."""
    bytes: int


@define
class _Tally:
    cache_entries: int = 0
    blobs: int = 0
    scratch_files: int = 0
    bytes: int = 0


def collect(
    stack: Stack,
    *,
    keep: int | None = None,
    older_than: float | None = None,
    grace: float = GRACE,
    dry_run: bool = False,
) -> Collected:
    """Remove expired runs and whatever no run needs any more.

    :param keep: a run expires when there are this many newer ones; ``None``: no run does for that reason.
    :param older_than: a run expires this many seconds after it began; ``None``: no run does for that reason.
    :param grace: seconds for which unreferenced objects are left alone.
    :param dry_run: only tell what would be removed.
    """
    with stack:
        return _Collection(stack, grace=grace, dry_run=dry_run).run(keep, older_than)


class _Collection:
    def __init__(self, stack: Stack, *, grace: float, dry_run: bool) -> None:
        self._stack, self._grace, self._dry_run = stack, grace, dry_run
        self._store: ArtifactStore = stack.artifact_store
        self._reader = Reader(stack)
        self._clock = StoreClock(self._store)
        self._now = self._clock.now()
        self._tally = _Tally()
        self._unreadable: set[str] = set()
        self._silent: dict[str, object] = {}
        """Runs whose drivers cannot be asked and were silent all the time, with what was seen of them."""
        self._newer_entries = False
        """Whether a later release has written a cache entry."""

    def run(self, keep: int | None, older_than: float | None) -> Collected:
        if any(True for _ in self._beyond(keep, older_than)):
            self._watch()
        expired = set(self._expired(keep, older_than))
        # First their cache entries, so that no run that begins from here on can come to need them; then, if no run is in
        # progress, the runs themselves, but for those whose results a kept run has taken over.
        self._remove_cache_entries(expired)
        ids = self._reader.run_ids()
        live = [run_id for run_id in ids if self._is_live(run_id)]
        used = {source for run_id in ids if run_id not in expired for source in self._sources(run_id)}
        waiting = expired if live or self._unreadable else self._closure(expired & used, expired)
        removed = {run_id for run_id in sorted(expired - waiting) if self._remove_run(run_id)}
        waiting |= expired - removed
        self._sweep_blobs([run_id for run_id in ids if run_id not in removed], in_progress=bool(live))
        if not self._dry_run:
            forget(self._store, self._grace, self._clock.now())
        self._delete(entry for entry in self._store.list(CLOCKS) if self._is_old(entry))
        self._sweep_scratch()
        files, size = remove_leftovers(time.time() - self._grace, dry_run=self._dry_run)
        self._tally.scratch_files += files
        self._tally.bytes += size
        tally = self._tally
        return Collected(
            runs=tuple(sorted(removed)),
            waiting=tuple(sorted(waiting)),
            unreadable=tuple(sorted(self._unreadable)),
            cache_entries=tally.cache_entries,
            blobs=tally.blobs,
            scratch_files=tally.scratch_files,
            bytes=tally.bytes,
        )

    def _beyond(self, keep: int | None, older_than: float | None) -> Iterator[str]:
        """The runs that are to be deleted if nothing speaks against it."""
        for newer, run_id in enumerate(reversed(self._reader.run_ids())):
            beyond = keep is not None and newer >= keep
            if beyond or (older_than is not None and self._now - _began(run_id) > older_than):
                yield run_id

    def _expired(self, keep: int | None, older_than: float | None) -> Iterator[str]:
        for run_id in self._beyond(keep, older_than):
            if not self._is_live(run_id) and self._can_be_read(run_id):
                yield run_id

    def _watch(self) -> None:
        """Watch the drivers that cannot be asked from here and seem to be gone."""
        if self._dry_run:
            return
        watched = []
        for run_id in self._reader.run_ids():
            with suppress(StoreError, NotFoundError, FileNotFoundError):  # as in _is_live
                record = self._reader.run_record(run_id)
                if self._reader.status(record, self._reader.end_record(run_id)) == "interrupted":
                    driver = latest_driver(record.driver, self._store, run_id)
                    if known_fate(driver, run_id) is None:
                        watched.append((run_id, driver))
        if watched:
            seconds = _PATIENCE * ownership.SILENCE
            _log.warning(
                "%d runs were driven by processes that cannot be asked from here: waiting up to %g s for a sign of life of them",
                len(watched),
                seconds,
            )
            self._silent = silent_for(seconds, watched, self._store)

    def _is_live(self, run_id: str) -> bool:
        """Whether a process drives the run, or may do so; one that cannot be read is noted."""
        try:
            record = self._reader.run_record(run_id)
            status = self._reader.status(record, self._reader.end_record(run_id))
            if status != "interrupted" or self._dry_run:
                return status == "running"
            driver = latest_driver(record.driver, self._store, run_id)
            return known_fate(driver, run_id) != "gone" and not self._still_silent(run_id, driver)
        except (NotFoundError, FileNotFoundError):  # somebody is deleting it, or was killed while deleting it
            return False
        except StoreError:
            self._unreadable.add(run_id)
            return False

    def _still_silent(self, run_id: str, driver: Driver) -> bool:
        signs = self._silent.get(run_id)
        return signs is not None and signs_of_life(driver, self._store, run_id) == signs

    def _remove_run(self, run_id: str) -> bool:
        """Delete a run, unless somebody drives it (again)."""
        if self._dry_run:
            self._delete(self._store.list(run_prefix(run_id)))
            return True
        claimed = None
        with suppress(NotFoundError, FileNotFoundError):  # what is left of a run that was being deleted
            record = self._reader.run_record(run_id)
            end = self._reader.end_record(run_id)
            if end is None or end.status != "succeeded":
                if self._is_live(run_id):
                    return False
                last = latest_driver(record.driver, self._store, run_id)
                mine = this_process(run_id, last.number + 1, alone=False, deletes=True)
                try:
                    claim(mine, self._store, run_id)
                except RunBusyError:
                    return False
                claimed = driver_key(run_id, mine.number)
        entries = [entry for entry in self._store.list(run_prefix(run_id)) if entry.key != claimed]
        # the claims last: as long as anything is left of the run, who drove it finds that it does so no more
        self._delete(sorted(entries, key=lambda entry: entry.key.startswith(drivers_prefix(run_id))))
        if claimed is not None:
            self._delete_keys([claimed])
        self._remove_leftovers(run_id)
        return True

    def _can_be_read(self, run_id: str) -> bool:
        """Whether every document of the run can be read; one that cannot is noted."""
        for _ in self._records(run_id):
            pass
        return run_id not in self._unreadable

    def _records(self, run_id: str) -> Iterator[AttemptRecord]:

        def readable(entry: ObjectStat) -> AttemptRecord | None:
            try:
                return read(self._store.get(entry.key), AttemptRecord, entry.key)
            except FileNotFoundError:
                return None
            except StoreError:
                self._unreadable.add(run_id)
                return None

        for record in each(self._store, readable, self._store.list(steps_prefix(run_id))):
            if record is not None:
                yield record

    def _sources(self, run_id: str) -> set[str]:
        """The runs whose results a run has taken over from the cache."""
        try:
            end = self._reader.end_record(run_id)
        except StoreError:
            self._unreadable.add(run_id)
            return set()
        return {s.source.run_id for s in end.steps.values() if s.source is not None} if end is not None else set()

    def _closure(self, used: set[str], expired: set[str]) -> set[str]:
        """Those of the expired runs that kept runs use, and those that these in turn use."""
        found: set[str] = set()
        while used:
            run_id = used.pop()
            found.add(run_id)
            used |= (self._sources(run_id) & expired) - found
        return found

    def _remove_cache_entries(self, expired: set[str]) -> None:
        """Entries that point to expired runs, or whose record is gone."""
        doomed = []
        known = set(self._reader.run_ids())
        for entry in self._store.list(CACHE):
            try:
                source = read(self._store.get(entry.key), CacheEntry, entry.key).source.run_id
            except (FileNotFoundError, DamagedDocumentError):
                source = None
            except StoreError:
                self._newer_entries = True
                continue
            if source in expired or (source not in known and self._is_old(entry)):
                doomed.append(entry)
        self._tally.cache_entries += len(doomed)
        self._delete(doomed)

    def _sweep_blobs(self, run_ids: Iterable[str], *, in_progress: bool) -> None:
        """Remove blobs that no remaining run and no cache entry refers to, and archives of code when no run is in progress."""
        prefixes = (BLOBS,) if in_progress else (BLOBS, SOURCES)
        old = [entry for prefix in prefixes for entry in self._store.list(prefix) if self._is_old(entry)]
        if not old:
            return
        needed = {blob_key(digest) for run_id in run_ids for digest in self._blobs_of_run(run_id)}
        for entry in self._store.list(CACHE):
            try:
                needed |= set(_blob_keys(read(self._store.get(entry.key), CacheEntry, entry.key).outputs))
            except (FileNotFoundError, DamagedDocumentError):
                continue
            except StoreError:
                self._newer_entries = True
        if self._unreadable or self._newer_entries:
            return
        gone = [entry for entry in old if entry.key not in needed]
        if not self._dry_run:
            remove = sweep_files if self._store.is_local else sweep
            gone = list(remove(self._store, [entry.key for entry in gone], self._is_old))
        self._tally.blobs += len(gone)
        self._tally.bytes += sum(entry.size for entry in gone)

    def _blobs_of_run(self, run_id: str) -> Iterator[str]:
        for record in self._records(run_id):
            yield from _digests(record)

    def _is_old(self, entry: ObjectStat) -> bool:
        return self._now - entry.modified > self._grace

    def _delete(self, entries: Iterable[ObjectStat]) -> None:
        batch: list[str] = []
        for entry in entries:
            self._tally.bytes += entry.size
            batch.append(entry.key)
            if len(batch) == _BATCH:
                self._delete_keys(batch)
                batch = []
        self._delete_keys(batch)

    def _delete_keys(self, keys: list[str]) -> None:
        if keys and not self._dry_run:
            self._store.delete(keys)

    def _sweep_scratch(self) -> None:
        """Files of processes that were killed while they wrote."""
        scratch = self._store.scratch()
        try:
            paths = sorted(scratch.iterdir()) if scratch is not None and scratch.is_dir() else []
        except OSError as error:
            msg = f"the artifact store's directory for new files cannot be read: {error}"
            raise StoreError(msg) from error
        for path in paths:
            with suppress(OSError):
                stat = path.lstat()
                if self._now - stat.st_mtime > self._grace:
                    self._tally.scratch_files += 1
                    self._tally.bytes += stat.st_size
                    if not self._dry_run:
                        path.unlink()

    def _remove_leftovers(self, run_id: str) -> None:
        """What this machine keeps for a run beside the store."""
        if self._dry_run:
            return
        directory = log_directory() / run_id
        for path in (*_files(directory), lock_directory() / f"{run_id}.lock"):
            with suppress(OSError):  # the run is gone, whatever becomes of these
                path.unlink()
        with suppress(OSError):
            directory.rmdir()


def _files(directory: Path) -> list[Path]:
    return list(directory.iterdir()) if directory.is_dir() else []


def _digests(record: AttemptRecord) -> Iterator[str]:
    """The blobs an attempt has made, and those it has read: to see what a model was trained on."""
    for artifact in record.outputs:
        yield from blobs_of(artifact)
    for digests in record.inputs.values():
        yield from digests


def _blob_keys(artifacts: Iterable[Artifact]) -> Iterator[str]:
    for artifact in artifacts:
        for digest in blobs_of(artifact):
            yield blob_key(digest)


def _began(run_id: str) -> float:
    """Seconds since the epoch: the first 48 bits of a UUIDv7 are milliseconds."""
    return int(run_id.replace("-", "")[:12], 16) / 1000
