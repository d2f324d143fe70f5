"""The lines of the attempts that go on in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable

from plugbay_hookspecs.types.run import StepInfo
from plugbay_local.attempts.writing import Lines


class OpenAttempts:
    """The lines of attempts that have begun and are not ended. Pickled, it is empty: other attempts go on elsewhere."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lines: dict[tuple[str, str, int], Lines] = {}
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[OpenAttempts], tuple[()]]:
        return OpenAttempts, ()

    def get(self, step: StepInfo, make: Callable[[StepInfo], Lines]) -> Lines:
        """The lines of an attempt, made when there are none yet."""
        with self._lock:
            found = self._lines.get(_id(step))
            if found is None:
                found = self._lines[_id(step)] = make(step)
            return found

    def close(self, step: StepInfo) -> None:
        """Close the lines of an attempt."""
        with self._lock:
            found = self._lines.pop(_id(step), None)
        if found is not None:
            found.close()

    def close_all(self) -> None:
        """Close what was never ended."""
        with self._lock:
            left, self._lines = list(self._lines.values()), {}
        for lines in left:
            lines.close()


def _id(step: StepInfo) -> tuple[str, str, int]:
    return step.run_id, step.step, step.attempt
