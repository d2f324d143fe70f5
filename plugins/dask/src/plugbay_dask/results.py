"""What tasks returned, fetched for many at a time in a thread of its own.

Dask tells at once that a task has ended. What it returned has to be asked for, by way of the scheduler, which costs more
than all else that the driver does for a step; one question serves every task that has ended since the last one. To look which
have ended costs nothing, where a callback for each would be called by way of two threads.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from distributed import Client, Future

    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep

Submitted: TypeAlias = "tuple[ReadyStep, Future[Any]]"
FEW = 8
"""So many tasks are watched; of more it is looked from time to time which have ended."""
PAUSE, MOST = 0.0002, 0.1
"""Seconds for each task until it is looked, and for all at most: they keep the workers busy, and more will have ended."""
LONGEST = 0.02
"""Seconds to which fewer grow while no task ends."""
AGAIN = 1.0
"""Seconds after which it is looked all the same: what a task returned may have been lost with its worker."""


class Results:
    """Completes steps with what their tasks returned, while the context lasts."""

    def __init__(self, client: Client, run: LiveRun) -> None:
        """Complete steps of ``run``."""
        self._client, self._run = client, run
        self._submitted: queue.SimpleQueue[Submitted | None] = queue.SimpleQueue()
        self._waiting: list[Submitted] = []
        self._watched: set[str] = set()
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="plugbay-results", daemon=True)

    def expect(self, step: ReadyStep, future: Future[Any]) -> None:
        """Complete ``step`` when its task has ended."""
        self._submitted.put((step, future))
        self._changed.set()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._submitted.put(None)
        self._changed.set()
        self._thread.join()

    def _work(self) -> None:
        pause = 0.0
        while self._take_submitted():
            if len(self._waiting) > FEW:
                pause = max(min(LONGEST, 2 * pause), min(MOST, PAUSE * len(self._waiting)))
                time.sleep(pause)
            else:
                self._watch()
                self._changed.wait(AGAIN)
                self._changed.clear()
            if self._complete_ended():
                pause = 0.0

    def _take_submitted(self) -> bool:
        """Take in what was submitted, and wait for it when there is nothing else; tell whether to go on."""
        while not self._waiting or not self._submitted.empty():
            submitted = self._submitted.get()
            if submitted is None:
                return False
            self._waiting.append(submitted)
        return True

    def _watch(self) -> None:
        for _, future in self._waiting:
            if future.key not in self._watched:
                self._watched.add(future.key)
                future.add_done_callback(lambda _: self._changed.set())

    def _complete_ended(self) -> bool:
        """Complete the steps whose tasks have ended; tell whether there were any."""
        returned: list[Submitted] = []
        raised: list[Submitted] = []
        waiting: list[Submitted] = []
        for each in self._waiting:
            status = each[1].status
            (returned if status == "finished" else waiting if status in ("pending", "lost") else raised).append(each)
        self._waiting = waiting
        self._complete(returned)
        for each in raised:
            self._complete([each])
        return bool(returned or raised)

    def _complete(self, ended: Sequence[Submitted]) -> None:
        if not ended:
            return
        try:
            results = self._client.gather([future for _, future in ended])
        except BaseException:  # noqa: BLE001  at least one has none: each is asked for by itself
            results = [_result(future) for _, future in ended]
        for (step, future), result in zip(ended, results, strict=True):
            self._watched.discard(future.key)
            self._run.complete(step, result)


def _result(future: Future[Any]) -> bytes | BaseException:
    try:
        result: bytes = future.result()
    except BaseException as error:  # noqa: BLE001  also a cancellation; the run is told, whatever it is
        return error
    return result
