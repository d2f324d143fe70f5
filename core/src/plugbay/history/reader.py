"""Reading runs from the artifact store: the store is the database."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property

from plugbay.errors import DamagedDocumentError, NotFoundError
from plugbay.home import attempt_of_log, growing_log_path, log_directory, log_path
from plugbay.serializers.choice import Serializers
from plugbay.stack import Stack
from plugbay.store.artifacts import Artifacts
from plugbay.store.distant import each
from plugbay.store.documents import AttemptRecord, EndRecord, InHand, RunRecord, read
from plugbay.store.layout import (
    RUNS,
    attempt_key,
    drivers_prefix,
    end_key,
    ends_prefix,
    in_hand_key,
    is_run_id,
    later_end_key,
    log_key,
    logs_prefix,
    plan_key,
    steps_prefix,
)
from plugbay.store.ownership import latest_driver, latest_driver_number, seems_gone
from plugbay.store.store_clock import StoreClock
from plugbay_hookspecs.types import ObjectStat, RunStatus


class Reader:
    """Reads what runs have left in the artifact store of a stack."""

    def __init__(self, stack: Stack) -> None:
        """Read from the store of ``stack``, which is started for each access."""
        self.stack = stack
        self.store = stack.artifact_store
        self._clock = StoreClock(self.store)

    @cached_property
    def artifacts(self) -> Artifacts:
        """Loads artifacts."""
        return Artifacts(self.store, Serializers(allow_pickle=self.stack.allow_pickle))

    @contextmanager
    def access(self) -> Iterator[None]:
        """Have the stack started in the body."""
        with self.stack:
            yield

    def run_ids(self) -> list[str]:
        """The ids of all runs in the store, oldest first."""
        with self.access():
            names = [entry.key.removeprefix(RUNS).rstrip("/") for entry in self.store.list(RUNS, recursive=False)]
        return [name for name in names if is_run_id(name)]

    def full_id(self, run_id: str) -> str:
        """Complete an id that was shortened to its beginning or its end, or ``last``.

        Raises :class:`NotFoundError` when no run, or more than one, has it.
        """
        if is_run_id(run_id):
            return run_id
        ids = self.run_ids()
        if run_id == "last" and ids:
            return ids[-1]
        found = [known for known in ids if len(run_id) >= 4 and (known.startswith(run_id) or known.endswith(run_id))]
        if len(found) == 1:
            return found[0]
        problem = f"{len(found)} runs have an id like" if found else "there is no run"
        msg = f"{problem} {run_id!r} in the artifact store of stack {self.stack.name!r}; see: plugbay runs"
        raise NotFoundError(msg)

    def run_record(self, run_id: str) -> RunRecord:
        """Read how a run began. Raises :class:`NotFoundError` when there is no such run."""
        key = plan_key(run_id)
        with self.access():
            try:
                record = read(self.store.get(key), RunRecord, key)
            except FileNotFoundError as error:
                msg = (
                    f"there is no run {run_id!r} in the artifact store of stack {self.stack.name!r}; see: plugbay runs"
                )
                raise NotFoundError(msg) from error
        _check_place(key, plan_key(record.id))
        return record

    def end_record(self, run_id: str) -> EndRecord | None:
        """Read how a run ended, ``None`` while it has not: of several ends, that of the latest driver counts."""
        key = end_key(run_id)
        with self.access():
            try:
                end = read(self.store.get(key), EndRecord, key)
                _check_place(key, end_key(end.run_id))
            except FileNotFoundError:
                return None
            if end.status == "succeeded":
                return end
            for entry in self.store.list(ends_prefix(run_id)):
                later = read(self.store.get(entry.key), EndRecord, entry.key)
                _check_place(entry.key, later_end_key(later.run_id, later.driver))
                if later.driver > end.driver:
                    end = later
        return end

    def status(self, record: RunRecord, end: EndRecord | None) -> RunStatus:
        """The status of a run; one whose driver is gone without a word was interrupted."""
        if end is not None and end.status == "succeeded":
            return end.status
        with self.access():
            driver = latest_driver(record.driver, self.store, record.id)
            if end is not None and end.driver >= driver.number:
                return end.status
            return "interrupted" if seems_gone(driver, self.store, record.id, self._clock) else "running"

    def in_hand(self, record: RunRecord) -> InHand | None:
        """What the run's latest driver has in hand; ``None`` where it has not told."""
        with self.access():
            number = latest_driver_number(self.store, record.id)
            key = in_hand_key(record.id, number)
            try:
                return read(self.store.get(key), InHand, key)
            except (FileNotFoundError, DamagedDocumentError):
                return None

    def counting_attempts(self, run_id: str) -> list[AttemptRecord]:
        """Like :meth:`attempts`, without what a driver that was replaced has recorded as failed or cancelled."""
        with self.access():
            latest = latest_driver_number(self.store, run_id)
        return [
            record for record in self.attempts(run_id) if record.status == "succeeded" or not 0 < record.driver < latest
        ]

    def attempt(self, run_id: str, step: str, number: int) -> AttemptRecord:
        """Read the record of an attempt. Raises :class:`NotFoundError` when there is none."""
        key = attempt_key(run_id, step, number)
        with self.access():
            try:
                return self._attempt(key)
            except (FileNotFoundError, ValueError) as error:  # a reference to it may be no key at all
                msg = f"run {run_id} has no record of attempt {number} of step {step!r}"
                raise NotFoundError(msg) from error

    def attempts(self, run_id: str) -> list[AttemptRecord]:
        """Read the records of all attempts of a run: by step or call, then by number.

        A record that is damaged is left out.
        """

        def readable(entry: ObjectStat) -> AttemptRecord | None:
            try:
                return self._attempt(entry.key)
            except (FileNotFoundError, DamagedDocumentError):
                return None

        with self.access():
            found = each(self.store, readable, self.store.list(steps_prefix(run_id)))
        records = [record for record in found if record is not None]
        return sorted(records, key=lambda record: (record.step, record.attempt))

    def _attempt(self, key: str) -> AttemptRecord:
        record = read(self.store.get(key), AttemptRecord, key)
        _check_place(key, attempt_key(record.run_id, record.step, record.attempt))
        return record

    def attempt_counts(self, run_id: str) -> dict[str, int]:
        """How many attempts each step or call has had, those with a damaged record included."""
        prefix, counts = steps_prefix(run_id), dict[str, int]()
        with self.access():
            for entry in self.store.list(prefix):
                step, _, number = entry.key.removeprefix(prefix).removesuffix(".json").rpartition(".")
                counts[step] = max(counts.get(step, 0), int(number) if number.isdecimal() else 0)
        return counts

    def attempts_of(self, run_id: str, step: str) -> list[AttemptRecord]:
        """Read the records of all attempts of one step or call, oldest first."""
        found: list[AttemptRecord] = []
        last = None
        for number in itertools.count(1):
            try:
                found.append(self.attempt(run_id, step, number))
            except NotFoundError:  # the last one, or one that a driver which was replaced did not come to record
                if last is None:
                    last = self._last_attempt(run_id, step)
                if number >= last:
                    return found
        return found

    def _last_attempt(self, run_id: str, step: str) -> int:
        """The number of the last recorded attempt; of a run that only one process has driven, none is left out before it."""
        with self.access():
            resumed = any(True for _ in self.store.list(drivers_prefix(run_id)))
        return self.attempt_counts(run_id).get(step, 0) if resumed else 0

    def logged(self, run_id: str) -> dict[tuple[str, int], bool]:
        """The attempts of a run that have printed something, by step or call and number, and whether the log is complete.

        Of those that go on only the ones on this machine are known.
        """
        from plugbay.history.unbrought import unbrought  # only who follows a run looks at its spools

        names = [name for _, name, _ in unbrought(run_id)]
        with suppress(OSError):
            names += [path.name for path in (log_directory() / run_id).iterdir()]
        found = dict.fromkeys(names, False)
        prefix = logs_prefix(run_id)
        with self.access():
            found |= dict.fromkeys((entry.key.removeprefix(prefix) for entry in self.store.list(prefix)), True)
        attempts: dict[tuple[str, int], bool] = {}
        for name, complete in found.items():
            attempt = attempt_of_log(name)
            if attempt is not None:
                attempts[attempt] = complete or attempts.get(attempt, False)
        return attempts

    def log(self, run_id: str, step: str, attempt: int) -> str:
        """Read what an attempt has printed so far."""
        local = log_path(run_id, step, attempt)
        with self.access(), suppress(FileNotFoundError):
            try:
                return self.store.get(log_key(run_id, step, attempt)).decode("utf-8", "replace")
            except ValueError:  # no key: a damaged reference
                return ""
        from plugbay.history.unbrought import unbrought_of  # few logs are read before they are in the store

        with suppress(FileNotFoundError):
            rest = unbrought_of(run_id, step, attempt)
            return (growing_log_path(local).read_bytes().rstrip(b"\0") + rest).decode("utf-8", "replace")
        with suppress(FileNotFoundError):
            return (local.read_bytes() + unbrought_of(run_id, step, attempt)).decode("utf-8", "replace")
        return unbrought_of(run_id, step, attempt).decode("utf-8", "replace")


def _check_place(key: str, place: str) -> None:
    """Raise for a document that says it belongs elsewhere: it was moved or copied there, and must not answer for another."""
    if key != place:
        msg = f"{key} is damaged: it is the document of {place}"
        raise DamagedDocumentError(msg)
