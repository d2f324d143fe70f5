"""What tasks returned, asked for many at a time in a thread of its own.

A callback for each task would be called by the thread of Ray that hands out the tasks, which then waits for the interpreter.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep

FEW = 8
"""So many tasks are watched; of more it is asked from time to time which have ended."""
PAUSE, MOST = 0.0001, 0.1
"""Seconds for each task until it is asked, and for all at most: they keep the workers busy, and more will have ended."""
LONGEST = 0.02
"""Seconds to which fewer grow while no task ends."""
AGAIN = 1.0
"""Seconds after which it is asked all the same."""


class Results:
    """Completes steps with what their tasks returned, while the context lasts."""

    def __init__(self, run: LiveRun) -> None:
        """Complete steps of ``run``."""
        self._run = run
        self._submitted: queue.SimpleQueue[tuple[Any, ReadyStep] | None] = queue.SimpleQueue()
        self._waiting: dict[Any, ReadyStep] = {}  # by the reference to what the task returns
        self._watched: set[Any] = set()
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="plugbay-results", daemon=True)

    def expect(self, step: ReadyStep, reference: Any) -> None:
        """Complete ``step`` with what ``reference`` will refer to."""
        self._submitted.put((reference, step))
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
            reference, step = submitted
            self._waiting[reference] = step
        return True

    def _watch(self) -> None:
        for reference in self._waiting.keys() - self._watched:
            self._watched.add(reference)
            reference.future().add_done_callback(lambda _: self._changed.set())

    def _complete_ended(self) -> bool:
        """Complete the steps whose tasks have ended; tell whether there were any."""
        import ray

        waiting = list(self._waiting)
        try:
            ended, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
        except Exception:  # noqa: BLE001  the connection is lost: each task is asked for by itself, and tells why
            ended = waiting
        for reference, result in zip(ended, _results(ended), strict=True):
            self._watched.discard(reference)
            self._run.complete(self._waiting.pop(reference), result)
        return bool(ended)


def _results(references: Sequence[Any]) -> Sequence[bytes | BaseException]:
    import ray

    try:
        results: list[bytes | BaseException] = ray.get(references)
    except Exception:  # noqa: BLE001  at least one has none: each is asked for by itself
        return [_result(reference) for reference in references]
    return results


def _result(reference: Any) -> bytes | BaseException:
    import ray
    from ray.exceptions import RayTaskError

    try:
        result: bytes = ray.get(reference)
    except RayTaskError as error:
        cause: BaseException = error.cause or error
        cause.add_note(error.traceback_str.rstrip())
        return cause
    except BaseException as error:  # noqa: BLE001  also a worker that was lost; the run is told, whatever it is
        return error
    return result
