"""``current()``: what a step's own code can ask and tell while it runs."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from plugbay.errors import PlugbayError
from plugbay.stack import Stack
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.values import encode
from plugbay_hookspecs.types import StepInfo

_current: ContextVar[CurrentStep | None] = ContextVar("plugbay_current_step", default=None)


class CurrentStep:
    """The step that is being executed."""

    def __init__(self, info: StepInfo, stack: Stack) -> None:
        """Describe the attempt ``info``, executed on ``stack``."""
        self._info, self._stack = info, stack
        self.metrics: dict[str, list[tuple[float, float]]] = {}
        """What was logged so far, by name: (seconds since the epoch, value)."""
        self.params: dict[str, Any] = {}
        """What was logged so far, in canonical JSON form."""

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._info.run_id

    @property
    def step(self) -> str:
        """The step's id in the plan; of a mapped step's call ``id.0``, ``id.1``, ..."""
        return self._info.step

    @property
    def attempt(self) -> int:
        """The number of the attempt, counted from 1."""
        return self._info.attempt

    @property
    def artifact_store(self) -> ArtifactStore:
        """The stack's artifact store."""
        return self._stack.artifact_store

    def secret(self, name: str) -> str:
        """Ask the stack's secrets managers. Raises :class:`plugbay.errors.NotFoundError` when none knows it."""
        return self._stack.secret(name)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log numbers, at this moment; they are kept in the record and told to every plugin that listens.

        Raises ``TypeError`` for a value that is no number.
        """
        at = time.time()
        numbers = {str(name): _number(name, value) for name, value in metrics.items()}
        for name, number in numbers.items():
            self.metrics.setdefault(name, []).append((at, number))
        self._stack.host.tell("log_metrics", step=self._info, metrics=numbers, at=at)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log plain values that describe the attempt; a later value of a name replaces the earlier one."""
        encoded = {str(name): encode(value, f"parameter {name!r}") for name, value in params.items()}
        self.params.update(encoded)
        self._stack.host.tell("log_params", step=self._info, params=dict(params))


def current() -> CurrentStep:
    """Return the step that is being executed. Raises :class:`PlugbayError` where there is none."""
    found = _current.get()
    if found is None:
        msg = (
            "current() was called outside a step of a run; in a test, call code that needs it from a step of a pipeline"
        )
        raise PlugbayError(msg)
    return found


@contextmanager
def executing(step: CurrentStep) -> Iterator[CurrentStep]:
    """Make ``step`` the current one in this context."""
    token = _current.set(step)
    try:
        yield step
    finally:
        _current.reset(token)


def _number(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        msg = f"metric {name!r} must be a number, got {value!r:.60}"
        raise TypeError(msg) from error
    if isinstance(value, str):
        msg = f"metric {name!r} must be a number, got the text {value!r:.60}"
        raise TypeError(msg)
    return number
