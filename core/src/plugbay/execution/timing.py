"""When an attempt is tried again, and when it has taken too long."""

from __future__ import annotations

import heapq
import itertools
import random
import time

from plugbay.execution.schedule import Call
from plugbay_hookspecs.types import Retry

TIMEOUT_GRACE = 5.0
"""Seconds after its timeout that an attempt elsewhere is given to end by itself."""


def retry_delay(policy: Retry, failures: int) -> float:
    """Seconds to wait after the given number of failures: growing, capped, and spread a little at random."""
    try:
        delay = min(policy.delay * policy.backoff ** (failures - 1), policy.longest)
    except OverflowError:
        delay = policy.longest if policy.delay else 0.0
    return delay * (1 + random.random() * policy.jitter)  # noqa: S311  spreads load, guards nothing


class Timing:
    """The retries and deadlines of a run."""

    def __init__(self) -> None:
        """Begin with none."""
        self._retries: list[tuple[float, int, Call]] = []
        self._order = itertools.count()
        self._deadlines: dict[str, float] = {}

    def retry(self, call: Call, delay: float) -> None:
        """Have the call due again after ``delay`` seconds."""
        heapq.heappush(self._retries, (time.monotonic() + delay, next(self._order), call))

    def due(self) -> list[Call]:
        """Take out the calls whose delay is over."""
        now, found = time.monotonic(), []
        while self._retries and self._retries[0][0] <= now:
            found.append(heapq.heappop(self._retries)[2])
        return found

    def retries(self) -> list[tuple[Call, float]]:
        """The calls that are to be tried again, each with the seconds until then; from any thread."""
        now = time.monotonic()
        return [(call, due - now) for due, _, call in self._retries.copy()]

    @property
    def waiting(self) -> bool:
        """Whether any call waits to be tried again."""
        return bool(self._retries)

    def forget_retries(self) -> None:
        """Try nothing again."""
        self._retries.clear()

    def limit(self, call_id: str, timeout: float) -> None:
        """Have the attempt overdue once its timeout, and a grace period, are over."""
        self._deadlines[call_id] = time.monotonic() + timeout + TIMEOUT_GRACE

    def unlimit(self, call_id: str) -> None:
        """Forget the deadline of an attempt that is over."""
        self._deadlines.pop(call_id, None)

    def overdue(self) -> list[str]:
        """Take out the ids of the calls whose attempts are overdue."""
        now = time.monotonic()
        found = [call_id for call_id, due in self._deadlines.items() if due <= now]
        for call_id in found:
            del self._deadlines[call_id]
        return found

    def patience(self) -> float | None:
        """Seconds until something has to be done even if nothing completes; ``None`` when nothing has."""
        moments = [*self._deadlines.values(), *(due for due, _, _ in self._retries[:1])]
        return max(0.0, min(moments) - time.monotonic()) if moments else None
