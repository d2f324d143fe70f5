"""Collections and attempts that meet at one blob of a store that has no files, in every order of their requests."""

from __future__ import annotations

import hashlib
import itertools
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import attrs
import pytest
from attrs import field

from plugbay import Stack, pipeline, step
from plugbay.history.garbage import collect
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store import sweeps
from plugbay.store.layout import SWEEPS, blob_key
from plugbay.store.sweeps import Reliance, forget, sweep
from plugbay.testing.fakes.artifact_store import FakeArtifactStore, Objects
from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ObjectStat
from plugbay_local.orchestrator import LocalOrchestrator

CONTENT = b"wanted" * 2000
KEY = blob_key(hashlib.sha256(CONTENT).hexdigest())
GRACE = 3600.0
COLLECTOR, ATTEMPT = "collector", "attempt"
REQUESTS = 5
"""Of a sweep: announce, look, delete, say that it is over, take the announcement away."""


@step(cache=False)
def make() -> bytes:
    return CONTENT


@pipeline
def wanting() -> None:
    make()


class Killed(BaseException):
    """What ends a collector."""


@component
class WatchedStore(FakeArtifactStore):
    """A store in memory that asks somebody before each request."""

    objects: Objects = field(factory=Objects, repr=False)
    kept: Any = field(default=attrs.Factory(lambda self: Shared(self.objects), takes_self=True), repr=False)
    before: Callable[[str, str], None] = field(default=lambda hook, key: None, repr=False)

    @hookimpl
    def artifact_store_put(self, key: str, source: Any, if_absent: bool) -> bool:
        self.before("put", key)
        return super().artifact_store_put(key, source, if_absent)

    @hookimpl
    def artifact_store_get(self, key: str) -> bytes:
        self.before("get", key)
        return super().artifact_store_get(key)

    @hookimpl
    def artifact_store_stat(self, key: str) -> ObjectStat | None:
        self.before("stat", key)
        return super().artifact_store_stat(key)

    @hookimpl
    def artifact_store_list(self, prefix: str, after: str | None, recursive: bool) -> Iterator[ObjectStat]:
        self.before("list", prefix)
        return super().artifact_store_list(prefix, after, recursive)

    @hookimpl
    def artifact_store_delete(self, keys: Sequence[str]) -> None:
        self.before("delete", keys[0])
        super().artifact_store_delete(keys)


class Turns:
    """Lets the requests of two threads through in a given order; when it is used up, the collector's first."""

    def __init__(self, order: Iterable[str]) -> None:
        self._order, self._over = list(order), set[str]()
        self._changed = threading.Condition()

    def before(self, hook: str, key: str) -> None:
        name = threading.current_thread().name
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() == name, 30)
            if self._order:
                self._order.pop(0)
            self._changed.notify_all()

    def over(self) -> None:
        with self._changed:
            self._over.add(threading.current_thread().name)
            self._changed.notify_all()

    def _next(self) -> str:
        while self._order and self._order[0] in self._over:
            self._order.pop(0)
        if self._order:
            return self._order[0]
        return ATTEMPT if COLLECTOR in self._over else COLLECTOR


@pytest.fixture
def stack() -> Stack:
    return Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=WatchedStore())


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_PAUSE", 0.001)


def plugin(stack: Stack) -> WatchedStore:
    (found,) = stack.of_type("artifact_store")
    assert isinstance(found.plugin, WatchedStore)
    return found.plugin


def put_an_old_blob(stack: Stack) -> None:
    plugin(stack).objects.found[KEY] = CONTENT, time.time() - 2 * GRACE


def is_old(entry: ObjectStat) -> bool:
    return time.time() - entry.modified > GRACE


def rely(store: ArtifactStore) -> None:
    reliance = Reliance(store, time.time())
    store.put(KEY, CONTENT, if_absent=True)
    while not reliance.holds({KEY}):
        store.put(KEY, CONTENT, if_absent=True)


def rely_blindly(store: ArtifactStore) -> None:
    store.put(KEY, CONTENT, if_absent=True)


def orders(length: int) -> Iterator[list[str]]:
    """Every order of a sweep's requests and the first ones of an attempt."""
    for mine in itertools.combinations(range(length), REQUESTS):
        yield [COLLECTOR if position in mine else ATTEMPT for position in range(length)]


def is_kept(stack: Stack, relied: Callable[[ArtifactStore], None], order: list[str]) -> bool:
    """Whether the blob is there when a sweep and an attempt have sent their requests in this order."""
    store, turns = stack.artifact_store, Turns(order)
    plugin(stack).objects.found.clear()
    put_an_old_blob(stack)
    plugin(stack).before = turns.before

    def collector() -> None:
        list(sweep(store, [KEY], is_old))
        turns.over()

    def attempt() -> None:
        relied(store)
        turns.over()

    threads = [threading.Thread(target=target, name=target.__name__) for target in (collector, attempt)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    plugin(stack).before = lambda hook, key: None
    return store.stat(KEY) is not None


def test_an_attempt_has_its_blob_in_whatever_order_the_requests_arrive(stack: Stack) -> None:
    lost = [order for order in orders(REQUESTS + 6) if not is_kept(stack, rely, order)]
    assert lost == []


def test_without_looking_for_sweeps_it_would_lose_the_blob(stack: Stack) -> None:
    lost = [order for order in orders(REQUESTS + 1) if not is_kept(stack, rely_blindly, order)]
    assert lost == [[COLLECTOR, COLLECTOR, ATTEMPT, COLLECTOR, COLLECTOR, COLLECTOR]]


@pytest.mark.parametrize("requests", range(REQUESTS))
def test_a_collector_that_is_killed_holds_nobody_up_for_ever(
    stack: Stack, requests: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeps, "LAPSE", 0.05)
    monkeypatch.setattr(sweeps, "SKEW", 0.05)
    put_an_old_blob(stack)
    left = iter(range(requests))

    def before(hook: str, key: str) -> None:
        if next(left, None) is None:
            raise Killed

    plugin(stack).before = before
    with pytest.raises(Killed):
        list(sweep(stack.artifact_store, [KEY], is_old))
    plugin(stack).before = lambda hook, key: None
    rely(stack.artifact_store)
    assert stack.artifact_store.get(KEY) == CONTENT


def test_an_attempt_does_not_wait_for_a_sweep_of_other_blobs(stack: Stack) -> None:
    store = stack.artifact_store
    other = blob_key("0" * 64)

    def before(hook: str, key: str) -> None:
        if (hook, key) == ("delete", other):
            rely(store)

    plugin(stack).objects.found[other] = b"", 0.0
    plugin(stack).before = before
    assert [entry.key for entry in sweep(store, [other], is_old)] == [other]
    assert store.get(KEY) == CONTENT


def test_a_store_too_slow_to_be_asked_in_time_keeps_what_it_has(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "_HASTE", -1.0)
    put_an_old_blob(stack)
    assert list(sweep(stack.artifact_store, [KEY], is_old)) == []
    assert stack.artifact_store.get(KEY) == CONTENT


def test_announcements_go_when_no_attempt_needs_to_see_them(stack: Stack) -> None:
    store = stack.artifact_store
    put_an_old_blob(stack)
    assert len(list(sweep(store, [KEY], is_old))) == 1
    forget(store, GRACE, time.time())
    assert len(list(store.list(SWEEPS))) == 1
    forget(store, 0, time.time())
    assert list(store.list(SWEEPS)) == []


def test_a_run_that_meets_a_blob_between_the_look_and_the_deletion_has_its_result(stack: Stack) -> None:
    put_an_old_blob(stack)
    deleting, met = threading.Event(), threading.Event()

    def before(hook: str, key: str) -> None:
        if (hook, key) == ("delete", KEY):
            deleting.set()
            assert met.wait(30)
        elif (hook, key) == ("stat", KEY) or (hook == "get" and key.startswith(SWEEPS)):
            met.set() if deleting.is_set() else None

    plugin(stack).before = before
    with stack:
        collecting = threading.Thread(target=lambda: collect(stack, grace=GRACE))
        collecting.start()
        assert deleting.wait(30)
        run = wanting.run(stack=stack)
        collecting.join()
        assert run["make"].output.load() == CONTENT
