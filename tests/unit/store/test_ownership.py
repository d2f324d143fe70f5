"""Who drives a run: what proves that a driver lives or is gone, and how one that was replaced finds out."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugbay.errors import RunBusyError, RunLostError, RunReplacedError
from plugbay.history.reader import Reader
from plugbay.stack import Stack
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store import machine, ownership
from plugbay.store.documents import Driver, EndRecord, read, write
from plugbay.store.layout import driver_key, end_key, heartbeat_key, later_end_key, new_run_id, plan_key
from plugbay.store.ownership import (
    Ownership,
    claim,
    known_fate,
    latest_driver,
    seems_gone,
    signs_of_life,
    silent_for,
    this_process,
)
from plugbay.store.put_once import put_once
from plugbay.store.store_clock import StoreClock

RUN = new_run_id()
LINUX = pytest.mark.skipif(not machine.machine(), reason="the system does not tell which machine this is")

ELSEWHERE = st.fixed_dictionaries(
    {},
    optional={
        "host": st.sampled_from(["other", "", "localhost"]),
        "boot": st.sampled_from(["other", "unknown", ""]),
        "machine": st.sampled_from(["other", ""]),
    },
).filter(bool)
PROCESS = st.fixed_dictionaries(
    {},
    optional={
        "pid": st.one_of(st.just(os.getpid()), st.integers(-5, 2**40)),
        "started": st.sampled_from(["", "1", "x"]),
        "lock": st.sampled_from(["", "/nowhere/x.lock", "\0", "relative"]),
        "at": st.floats(0, 2e9),
        "claim": st.sampled_from(["", "abc"]),
    },
)


@given(elsewhere=ELSEWHERE, process=PROCESS)
def test_a_driver_elsewhere_is_never_known_to_be_gone(elsewhere: dict[str, str], process: dict[str, object]) -> None:
    driver = evolve(this_process(RUN, 1), **{**process, **elsewhere})
    assert known_fate(driver, RUN) != "gone"


@LINUX
@given(lock=st.sampled_from(["", "/nowhere/x.lock", "/root/locks/x.lock"]), at=st.floats(0, 2e9))
def test_a_process_of_this_machine_is_alive_whatever_its_lock_and_clock(lock: str, at: float) -> None:
    assert known_fate(evolve(this_process(RUN, 1), lock=lock, at=at), RUN) == "alive"


@LINUX
def test_a_process_of_this_machine_that_has_ended_is_gone_at_once_and_so_is_one_whose_id_is_used_again() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    driver = evolve(this_process(RUN, 1), pid=process.pid, started=machine.started(process.pid))
    assert known_fate(driver, RUN) == "alive"
    process.communicate()
    assert known_fate(driver, RUN) == "gone"
    assert known_fate(evolve(this_process(RUN, 1), started="12"), RUN) == "gone"


@LINUX
def test_a_stopped_process_lives_and_one_that_nobody_has_waited_for_does_not() -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    driver = evolve(this_process(RUN, 1), pid=process.pid, started=machine.started(process.pid))
    process.send_signal(19)
    assert known_fate(driver, RUN) == "alive"
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert known_fate(driver, RUN) == "gone"
    process.communicate()


@contextmanager
def clock_ahead(seconds: float) -> Iterator[None]:
    true = time.time

    def wrong() -> float:
        return true() + seconds

    with mock.patch.object(time, "time", wrong):
        yield


def distant(stack: Stack, **changes: object) -> Driver:
    """A driver on another machine that has given a sign of life."""
    driver = evolve(this_process(RUN, 1), host="other", **changes)
    stack.artifact_store.put(heartbeat_key(RUN, 1), b"1", durable=False)
    return driver


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(ahead=st.floats(-1e8, 1e8), at=st.floats(0, 2e9))
def test_a_wrong_clock_makes_no_living_driver_seem_gone(stack: Stack, ahead: float, at: float) -> None:
    driver = distant(stack, at=at)
    with clock_ahead(ahead):
        assert not seems_gone(driver, stack.artifact_store, RUN, StoreClock(stack.artifact_store))


def test_an_old_sign_of_life_makes_a_driver_seem_gone(stack: Stack) -> None:
    driver = distant(stack)
    path = stack.artifact_store.local_path(heartbeat_key(RUN, 1))
    assert path is not None
    os.utime(path, (time.time() - 61, time.time() - 61))
    assert seems_gone(driver, stack.artifact_store, RUN, StoreClock(stack.artifact_store))


def test_who_watches_sees_a_sign_whatever_its_time(stack: Stack) -> None:
    driver, over = distant(stack), threading.Event()

    def beat() -> None:
        count = 0
        while not over.wait(0.05):
            count += 1
            stack.artifact_store.put(heartbeat_key(RUN, 1), str(count).encode(), durable=False)
            path = stack.artifact_store.local_path(heartbeat_key(RUN, 1))
            assert path is not None
            os.utime(path, (1, 1))

    thread = threading.Thread(target=beat)
    thread.start()
    assert silent_for(1.0, [(RUN, driver)], stack.artifact_store) == {}
    over.set()
    thread.join()
    seen = silent_for(0.4, [(RUN, driver)], stack.artifact_store)
    assert seen == {RUN: signs_of_life(driver, stack.artifact_store, RUN)}


def test_who_was_paused_has_not_watched(stack: Stack) -> None:
    """A clock that jumps while nobody looks is no silence."""
    driver, true = distant(stack), time.monotonic
    jumps = iter([0.0, *[1000.0] * 1000])

    def jumping() -> float:
        return true() + next(jumps)

    with mock.patch.object(time, "monotonic", jumping):
        began = true()
        silent_for(0.4, [(RUN, driver)], stack.artifact_store)
        assert true() - began > 0.2


class LosesAnswers:
    """A store over a connection that carries a conditional request out, loses the answer, and asks again."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def put(self, key: str, source: bytes, *, if_absent: bool = False, durable: bool = True) -> bool:
        self._store.put(key, source, if_absent=if_absent, durable=durable)
        return self._store.put(key, source, if_absent=if_absent, durable=durable)


@pytest.mark.parametrize("lossy", [False, True])
@pytest.mark.parametrize("rivals", [2, 5])
def test_exactly_one_of_several_claims_a_run_also_when_answers_are_lost(stack: Stack, lossy: bool, rivals: int) -> None:
    store = LosesAnswers(stack.artifact_store) if lossy else stack.artifact_store
    start = threading.Barrier(rivals)

    def try_it(_: int) -> bool:
        mine = this_process(RUN, 2)
        start.wait()
        try:
            claim(mine, store, RUN)  # type: ignore[arg-type]
        except RunBusyError:
            return False
        return read(stack.artifact_store.get(driver_key(RUN, 2)), Driver, "claim") == mine

    with ThreadPoolExecutor(rivals) as threads:
        assert sorted(threads.map(try_it, range(rivals))) == [False] * (rivals - 1) + [True]


def test_what_was_written_once_is_known_as_ones_own_and_what_another_wrote_is_given(stack: Stack) -> None:
    store = LosesAnswers(stack.artifact_store)
    assert put_once(store, "a", b"mine") is None  # type: ignore[arg-type]
    assert put_once(store, "a", b"mine") is None  # type: ignore[arg-type]
    assert put_once(store, "a", b"yours") == b"mine"  # type: ignore[arg-type]


@pytest.fixture
def owner(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ownership]:
    """This process as the first driver of a run; what stops it is a call of ``cancel``."""
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path / "home"))
    stack.artifact_store.put(plan_key(RUN), b"{}")
    with Ownership(RUN, stack, cancel=mock.Mock(), each_beat=lambda: None) as owner:
        owner.begin(this_process(RUN, 1))
        yield owner


def test_a_driver_that_was_replaced_finds_out_and_stops(owner: Ownership, stack: Stack) -> None:
    assert owner.holds(surely=True)
    claim(this_process(RUN, 2), stack.artifact_store, RUN)
    assert not owner.holds(surely=True)
    assert isinstance(owner.loss, RunReplacedError)
    assert str(os.getpid()) in str(owner.loss)


def test_a_driver_whose_run_is_being_deleted_is_told_so(owner: Ownership, stack: Stack) -> None:
    claim(this_process(RUN, 2, deletes=True), stack.artifact_store, RUN)
    assert not owner.holds(surely=True)
    assert "is being deleted" in str(owner.loss)


def test_a_driver_whose_store_was_emptied_finds_out(owner: Ownership, stack: Stack) -> None:
    stack.artifact_store.delete([plan_key(RUN)])
    assert not owner.holds(surely=True)
    assert isinstance(owner.loss, RunLostError)


def test_an_attempt_on_a_local_store_begins_at_most_a_moment_after_the_last_look(
    owner: Ownership, stack: Stack
) -> None:
    assert owner.holds()
    claim(this_process(RUN, 2), stack.artifact_store, RUN)
    time.sleep(ownership._FRESH * 1.5)
    assert not owner.holds()


def end_of(driver: int, status: str) -> EndRecord:
    return EndRecord(run_id=RUN, status=status, driver=driver, ended=1.0, steps={})  # type: ignore[arg-type]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    ends=st.permutations([1, 2, 3, 4, 5]),
    statuses=st.lists(st.sampled_from(["failed", "cancelled"]), min_size=5, max_size=5),
)
def test_the_end_of_a_run_is_that_of_its_latest_driver_in_whatever_order_they_end(
    stack: Stack, ends: list[int], statuses: list[str]
) -> None:
    store = stack.artifact_store
    store.delete([end_key(RUN), *(later_end_key(RUN, number) for number in range(6))])
    written = []
    for number, status in zip(ends, statuses, strict=True):
        content = write(end_of(number, status))
        if put_once(store, end_key(RUN), content) is not None:
            put_once(store, later_end_key(RUN, number), content)
        written.append(content)
        found = Reader(stack).end_record(RUN)
        assert found is not None
        assert found.driver == max(ends[: len(written)])
    kept = [
        store.get(entry.key) for entry in store.list(f"runs/{RUN}/") if "/ends/" in entry.key or "end.json" in entry.key
    ]
    assert sorted(kept) == sorted(written), "an end was overwritten"


def test_the_latest_driver_is_the_one_of_the_greatest_number(stack: Stack) -> None:
    first = this_process(RUN, 1)
    assert latest_driver(first, stack.artifact_store, RUN) == first
    for number in range(2, 12):
        claim(this_process(RUN, number), stack.artifact_store, RUN)
    assert latest_driver(first, stack.artifact_store, RUN).number == 11
