"""What tasks returned, fetched for many at a time.

Dask tells at once that a task has ended. What it returned has to be asked for, by way of the scheduler, which costs more
than all else that the driver does for a step; one question serves every task that has ended since the last one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from distributed import Client, Future

    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep

PAUSE, LONGEST = 0.0002, 0.1
"""Seconds before a question for each task that is waiting: these keep the workers busy, and more will have ended."""


class Results:
    """Completes steps with what their tasks returned, in a thread of its own while the context lasts."""

    def __init__(self, client: Client, run: LiveRun) -> None:
        """Complete steps of ``run``."""
        self._client, self._run = client, run
        self._submitted = self._fetched = 0  # each is counted by one thread only
        self._ended: queue.SimpleQueue[tuple[ReadyStep, Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="plugbay-results", daemon=True)

    def of(self, step: ReadyStep) -> Callable[[Future[Any]], None]:
        """What to call when the task of a step, which was just submitted, has ended."""
        self._submitted += 1
        return lambda future: self._ended.put((step, future))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.put(None)
        self._thread.join()

    def _work(self) -> None:
        for ended in self._batches():
            try:
                results = self._client.gather([future for _, future in ended])
            except BaseException:  # noqa: BLE001  at least one has none: each is asked for by itself
                results = [_result(future) for _, future in ended]
            self._fetched += len(ended)
            for (step, _), result in zip(ended, results, strict=True):
                self._run.complete(step, result)

    def _batches(self) -> Iterator[list[tuple[ReadyStep, Future[Any]]]]:
        """All that has ended since the last time: those that have returned, and each other by itself."""
        last = False
        while not last:
            waiting = [self._ended.get()]
            time.sleep(min(LONGEST, PAUSE * max(0, self._submitted - self._fetched - 1)))
            while not self._ended.empty():
                waiting.append(self._ended.get())
            last = None in waiting
            ended = [each for each in waiting if each is not None]
            returned = [each for each in ended if each[1].status == "finished"]
            if returned:
                yield returned
            yield from ([each] for each in ended if each not in returned)


def _result(future: Future[Any]) -> bytes | BaseException:
    try:
        result: bytes = future.result()
    except BaseException as error:  # noqa: BLE001  also a cancellation; the run is told, whatever it is
        return error
    return result
