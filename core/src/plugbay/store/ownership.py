"""Who drives a run: one process at a time, and everybody can tell when it is gone.

Nobody is taken for dead because something is missing. A process of this machine is asked for by its id and the moment it
began; a lock that is held proves life. What cannot be asked from here gives signs of life in the store: it counts as gone once
somebody who wants to act has watched for a while, by a clock of its own, and nothing has changed. To list runs, the age of the last
sign will do.

A driver that was silent may wake up again, and find that it was replaced. It looks for the claim of a later driver at every beat,
before an attempt when it has not looked for a moment, and before it records an end; then it stops.
"""

from __future__ import annotations

import os
import platform
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from filelock import FileLock, Timeout

from plugbay.errors import RunBusyError, RunLostError, RunReplacedError, StoreError
from plugbay.home import lock_directory
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.distant import each
from plugbay.store.documents import Driver, read, write
from plugbay.store.layout import (
    cancel_key,
    driver_key,
    drivers_prefix,
    heartbeat_key,
    in_hand_key,
    old_cancel_key,
    old_heartbeat_key,
    plan_key,
)
from plugbay.store.machine import UNKNOWN, lives, machine, started
from plugbay.store.machine import boot_id as _boot_id
from plugbay.store.pulse import Pulse
from plugbay.store.put_once import put_once
from plugbay.store.store_clock import StoreClock

if TYPE_CHECKING:
    from plugbay.stack import Stack
    from plugbay.store.documents import CallInHand, InHand

HEARTBEAT = 5.0
"""Seconds between two signs of life of a driver, once a run has lasted that long."""
_TELLING = 1.0
"""Seconds between two looks at what the run has in hand; where a store is a journey away, it is told with the heartbeat."""
SILENCE = 60.0
"""Seconds without a sign of life after which a driver that cannot be asked counts as gone."""
_LOOK = 1.0
"""Seconds between two looks of somebody who watches."""
_FRESH = 0.1
"""Seconds for which a driver need not look again whether it was replaced, where a look costs no journey."""
_VIEWERS = 0.5
"""Seconds for which somebody who only looks may hold a lock."""

Fate = Literal["alive", "gone"]


def this_process(run_id: str, number: int, *, alone: bool = True, deletes: bool = False) -> Driver:
    """Describe this process as the driver of a run."""
    return Driver(
        number=number,
        host=platform.node(),
        boot=_boot_id(),
        pid=os.getpid(),
        lock=str(lock_directory() / f"{run_id}.lock"),
        at=time.time(),
        machine=machine(),
        started=started(os.getpid()),
        claim=secrets.token_hex(8),
        alone=alone,
        deletes=deletes,
    )


def known_fate(driver: Driver, run_id: str) -> Fate | None:
    """What this machine knows of the driver for certain; ``None`` when it cannot be asked from here."""
    if driver.host != platform.node() or driver.boot != _boot_id():
        return None
    if driver.boot != UNKNOWN and driver.machine and driver.machine == machine():
        alive = lives(driver.pid, driver.started)
        if alive is not None:
            return "alive" if alive else "gone"
    return "alive" if _is_lock_of(driver.lock, run_id) and _is_locked(driver.lock) else None


def _is_lock_of(path: str, run_id: str) -> bool:
    """Whether the lock is there; another file is not touched, whatever a document in a shared store says."""
    try:
        return Path(path).name == f"{run_id}.lock" and Path(path).is_file()
    except (OSError, ValueError):  # no path at all
        return False


def _is_locked(path: str) -> bool:
    lock = FileLock(path, thread_local=False)
    try:
        with Path(path).open("rb") as found:
            lock.acquire(timeout=0)
            # if its driver removed it just now, the line above made another
            if os.fstat(found.fileno()).st_nlink == 0:
                Path(path).unlink(missing_ok=True)
    except Timeout:
        return True
    except OSError:  # another user's
        return False
    finally:
        lock.release()
    return False


def seems_gone(driver: Driver, store: ArtifactStore, run_id: str, clock: StoreClock) -> bool:
    """Whether the driver has probably ended without saying so: enough to tell a person, not to act on."""
    fate = known_fate(driver, run_id)
    if fate is not None:
        return fate == "gone"
    last = _last_sign(driver, store, run_id)
    # by this machine's clock first: it may be wrong, and the store's takes a few requests
    return time.time() - last > SILENCE and clock.now() - last > SILENCE


def _last_sign(driver: Driver, store: ArtifactStore, run_id: str) -> float:
    claim = plan_key(run_id) if driver.number == 1 else driver_key(run_id, driver.number)
    for key in (_beats(driver, run_id), claim):
        found = store.stat(key)
        if found is not None:
            return found.modified
    return driver.at


def _beats(driver: Driver, run_id: str) -> str:
    return heartbeat_key(run_id, driver.number) if driver.claim else old_heartbeat_key(run_id)


def request_cancel(driver: Driver, store: ArtifactStore, run_id: str) -> None:
    """Ask the driver to stop the run; it finds the request in the store."""
    store.put(_cancel(driver, run_id), b"", durable=False)


def is_cancel_requested(driver: Driver, store: ArtifactStore, run_id: str) -> bool:
    """Whether somebody has asked the driver to stop the run."""
    return store.stat(_cancel(driver, run_id)) is not None


def _cancel(driver: Driver, run_id: str) -> str:
    return cancel_key(run_id, driver.number) if driver.claim else old_cancel_key(run_id)


def signs_of_life(driver: Driver, store: ArtifactStore, run_id: str) -> object:
    """What a living driver changes from time to time, and a process that takes the run over as well."""
    key = _beats(driver, run_id)
    beat: object = None
    with suppress(FileNotFoundError):
        beat = store.get(key)
    if not driver.claim:  # one of release 0.1 writes nothing, again and again
        found = store.stat(key)
        beat = None if found is None else found.modified
    return beat, max((entry.key for entry in store.list(drivers_prefix(run_id))), default="")


def silent_for(seconds: float, drivers: Iterable[tuple[str, Driver]], store: ArtifactStore) -> dict[str, object]:
    """Watch drivers for so long by this process's own clock; return the runs of those that gave no sign of life.

    :param drivers: run ids with their drivers.
    :returns: by run id, what :func:`signs_of_life` gave all the time.
    """
    watched = dict(drivers)

    def look(run_id: str) -> object:
        return signs_of_life(watched[run_id], store, run_id)

    seen = dict(zip(watched, each(store, look, watched), strict=True))
    pause = min(_LOOK, seconds / 4)
    silence, last = 0.0, time.monotonic()
    while seen and silence < seconds:
        time.sleep(pause)
        now = time.monotonic()
        silence += min(now - last, 2 * pause)  # who was paused itself has not been watching
        last = now
        again = zip(tuple(seen), each(store, look, seen), strict=True)
        seen = {run_id: signs for run_id, signs in again if signs == seen[run_id]}
    return seen


def latest_driver(first: Driver, store: ArtifactStore, run_id: str) -> Driver:
    """The driver that claimed the run last."""
    latest = None
    for entry in store.list(drivers_prefix(run_id)):
        latest = entry.key
    return first if latest is None else read(store.get(latest), Driver, latest)


def latest_driver_number(store: ArtifactStore, run_id: str) -> int:
    """The number of the driver that claimed the run last."""
    number = 1
    for entry in store.list(drivers_prefix(run_id)):
        name = entry.key.rpartition("/")[2].removesuffix(".json")
        number = max(number, int(name) if name.isdecimal() else 0)
    return number


class Ownership:
    """Holds a run for this process: a lock while it lives, and a heartbeat for those who cannot ask for the process."""

    def __init__(self, run_id: str, stack: Stack, *, cancel: Callable[[], None], each_beat: Callable[[], None]) -> None:
        """Prepare to hold the run ``run_id``; both calls are made from another thread.

        :param cancel: called when the run is to stop: somebody has asked for it, or this driver was replaced.
        :param each_beat: called with every heartbeat.
        """
        self._run_id, self._stack, self._cancel, self._each_beat = run_id, stack, cancel, each_beat
        self._store = stack.artifact_store
        self._lock = FileLock(lock_directory() / f"{run_id}.lock", thread_local=False)
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._pulse: Pulse | None = None
        self.number, self._text = 1, ""
        self.in_hand: Callable[[], InHand] | None = None
        """Gives what the run has in hand, for those who look at it; called from another thread."""
        self._told: tuple[tuple[CallInHand, ...], int] = ((), 0)
        self._beats = 0
        self._looked = 0.0
        self.loss: RunReplacedError | RunLostError | None = None
        """Why this process drives the run no more."""

    def __enter__(self) -> Self:
        """Take the lock. Raises :class:`RunBusyError` when another process of this machine has it."""
        try:
            lock_directory().mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=_VIEWERS, poll_interval=0.02)
        except Timeout as error:
            msg = f"run {self._run_id} is being driven by another process; wait for it, or cancel it with: plugbay cancel {self._run_id}"
            raise RunBusyError(msg) from error
        except OSError as error:
            msg = f"the lock {self._lock.lock_file} cannot be taken: {error.strerror}; set PLUGBAY_HOME to a directory that can be written"
            raise StoreError(msg) from error
        return self

    def begin(self, driver: Driver) -> None:
        """Give signs of life as the driver, which this process is."""
        self.number, self._text = driver.number, driver.claim
        self._looked = _awake()
        self._pulse = Pulse(
            self._stack, key=heartbeat_key(self._run_id, driver.number), text=driver.claim, heartbeat=HEARTBEAT
        )
        self._pulse.start()
        self._thread = threading.Thread(target=self._beat, name="plugbay-heartbeat", daemon=True)
        self._thread.start()

    def claim(self, after: Driver, *, certain: bool) -> Driver:
        """Become the next driver of a run whose driver is gone. Raises :class:`RunBusyError` when another was faster.

        :param certain: the driver is known to have ended, and not only silent.
        """
        mine = this_process(self._run_id, after.number + 1, alone=certain and (after.alone or after.number == 1))
        claim(mine, self._store, self._run_id)
        self.begin(mine)
        return mine

    def holds(self, *, surely: bool = False) -> bool:
        """Whether this process still drives the run; if not, the run is asked to stop.

        Looks into the store unless the last look was a moment ago: that of the last beat, where a look is a journey.

        :param surely: look in any case.
        """
        if self.loss is None:
            age = _awake() - self._looked
            if surely or age > (_FRESH if self._store.is_local else HEARTBEAT + 1.0):
                try:
                    self._look()
                except (StoreError, OSError):  # it may be away for a while, but not while others may have taken over
                    if surely or age > SILENCE:
                        raise
        return self.loss is None

    def reap(self) -> None:
        """See to it that a step finds no child of this process that it does not know."""
        if self._pulse is not None:
            self._pulse.reap()

    def _look(self) -> None:
        moment = _awake()
        following = driver_key(self._run_id, self.number + 1)
        own = plan_key(self._run_id) if self.number == 1 else driver_key(self._run_id, self.number)
        loss: RunReplacedError | RunLostError | None = None
        if self._store.stat(following) is not None:
            loss = RunReplacedError(self._replaced_by(following))
        elif self._store.stat(own) is None:
            loss = RunLostError(
                f"the artifact store does not have run {self._run_id} any more: the run was deleted, or the store replaced or "
                "emptied, while the run went on; what it computed since is lost, and this process has stopped"
            )
        self._looked = moment
        if loss is not None and self.loss is None:
            self.loss = loss
            self._cancel()

    def _replaced_by(self, key: str) -> str:
        who = "another process"
        with suppress(StoreError, FileNotFoundError):
            driver = read(self._store.get(key), Driver, key)
            who = f"process {driver.pid} on {driver.host}"
            if driver.deletes:
                return f"run {self._run_id} is being deleted by {who}, which had no sign of life of this process; it has stopped"
        return (
            f"run {self._run_id} was taken over by {who}, which had no sign of life of this process; "
            f"this one has stopped and records no end; see: plugbay show {self._run_id}"
        )

    def _beat(self) -> None:
        pause = min(_TELLING, HEARTBEAT)
        last = time.monotonic()
        while not self._over.wait(pause):
            due = time.monotonic() - last > HEARTBEAT - pause / 2
            if due or self._store.is_local:
                self._tell_what_is_in_hand()
            if not due:
                continue
            last = time.monotonic()
            with suppress(StoreError, OSError):  # the store may be away for a while; the run itself will tell
                self._beats += 1
                beat = f"{self._text} {self._beats}".encode()
                self._store.put(heartbeat_key(self._run_id, self.number), beat, durable=False)
                if self._pulse is not None:
                    self._pulse.told()
                self._look()
                if self._store.stat(cancel_key(self._run_id, self.number)) is not None:
                    self._cancel()
            self._each_beat()

    def _tell_what_is_in_hand(self) -> None:
        if self.in_hand is None or self.loss is not None:
            return
        found = self.in_hand()
        told = (found.calls, len(found.steps))
        if told != self._told:
            with suppress(StoreError, OSError):  # only who looks misses it
                self._store.put(in_hand_key(self._run_id, self.number), write(found), durable=False)
                self._told = told

    def __exit__(self, *exception: object) -> None:
        """Let go of the run."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self._pulse is not None:
            self._pulse.stop()
        with suppress(OSError):
            Path(self._lock.lock_file).unlink()
        self._lock.release()
        if self._thread is not None and not isinstance(self.loss, RunLostError):
            with suppress(StoreError, OSError):
                keys = (heartbeat_key, in_hand_key, cancel_key)
                self._store.delete([key(self._run_id, self.number) for key in keys])


def claim(mine: Driver, store: ArtifactStore, run_id: str) -> None:
    """Write that this process is the next driver. Raises :class:`RunBusyError` when another was faster."""
    other = put_once(store, driver_key(run_id, mine.number), write(mine))
    if other is not None:
        by = read(other, Driver, driver_key(run_id, mine.number))
        what = "is being deleted" if by.deletes else "has just been resumed"
        msg = f"run {run_id} {what} by another process ({by.pid} on {by.host})"
        raise RunBusyError(msg)


def _awake() -> float:
    """Seconds on a clock that goes on while the machine sleeps, where there is one: what was known before may be old."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)
