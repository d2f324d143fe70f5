"""What tasks returned, asked for many at a time in a thread of its own.

A callback for each task would be called by the thread of Ray that hands out the tasks, which then waits for the interpreter.
"""

from __future__ import annotations

import queue
import threading
import time
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep

PAUSE = 0.0001
"""Seconds before a question for each task that is waiting: these keep the workers busy, and more will have ended."""
SHORTEST, LONGEST = 0.001, 0.05
"""Seconds that a question waits for an answer, the longer the longer nothing has ended: it does not see what is submitted
meanwhile. A pause is not longer, either."""


class Results:
    """Completes steps with what their tasks returned, while the context lasts."""

    def __init__(self, run: LiveRun) -> None:
        """Complete steps of ``run``."""
        self._run = run
        self._submitted: queue.SimpleQueue[tuple[Any, ReadyStep] | None] = queue.SimpleQueue()
        self._waiting: dict[Any, ReadyStep] = {}  # by the reference to what the task returns
        self._thread = threading.Thread(target=self._work, name="plugbay-results", daemon=True)

    def expect(self, reference: Any, step: ReadyStep) -> None:
        """Complete ``step`` with what ``reference`` will refer to."""
        self._submitted.put((reference, step))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._submitted.put(None)
        self._thread.join()

    def _work(self) -> None:
        patience = SHORTEST
        while self._take_submitted():
            time.sleep(min(LONGEST, PAUSE * (len(self._waiting) - 1)))
            patience = SHORTEST if self._complete_ended(patience) else min(2 * patience, LONGEST)

    def _take_submitted(self) -> bool:
        """Take in what was submitted, and wait for it when there is nothing else; tell whether to go on."""
        while not self._waiting or not self._submitted.empty():
            submitted = self._submitted.get()
            if submitted is None:
                return False
            reference, step = submitted
            self._waiting[reference] = step
        return True

    def _complete_ended(self, patience: float) -> bool:
        """Complete the steps whose tasks have ended, or wait until one has; tell whether there were any."""
        import ray

        waiting = list(self._waiting)
        try:
            ended, _ = ray.wait(waiting, num_returns=len(waiting), timeout=0, fetch_local=False)
            if not ended:
                ray.wait(waiting, num_returns=1, timeout=patience, fetch_local=False)
        except Exception:  # noqa: BLE001  the connection is lost: each task is asked for by itself, and tells why
            ended = waiting
        for reference, result in zip(ended, _results(ended), strict=True):
            self._run.complete(self._waiting.pop(reference), result)
        return bool(ended)


def _results(references: list[Any]) -> list[bytes | BaseException]:
    import ray

    try:
        return list(ray.get(references))
    except Exception:  # noqa: BLE001  at least one has none: each is asked for by itself
        return [_result(reference) for reference in references]


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
