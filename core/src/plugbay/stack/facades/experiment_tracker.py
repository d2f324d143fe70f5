"""The typed facade of the stack's experiment trackers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plugbay.stack.facades.addressed import ToSeveral
from plugbay_hookspecs.types import ErrorInfo, StepInfo


class ExperimentTracker(ToSeveral):
    """Where runs are compared; see :mod:`plugbay_hookspecs.experiment_tracker` for what each call promises.

    Every tracker is told; one that fails is reported and stops nothing.
    """

    def _tell(self, hook: str, **arguments: Any) -> None:
        for component in self._components:
            self._host.tell_one(component, f"experiment_tracker_{hook}", **arguments)

    def start(self, step: StepInfo) -> None:
        """Begin the tracked run of an attempt. One that fails is told nothing more by a :class:`Tracking`."""
        self._tell("start", step=step)

    def end(self, step: StepInfo, error: ErrorInfo | None) -> None:
        """End the tracked run of an attempt, in reverse stack order."""
        for component in reversed(self._components):
            self._host.tell_one(component, "experiment_tracker_end", step=step, error=error)

    def log_params(self, step: StepInfo, params: Mapping[str, object]) -> None:
        """Log what an attempt was made with."""
        self._tell("log_params", step=step, params=params)

    def log_metrics(
        self, step: StepInfo, metrics: Mapping[str, float], at: float, *, iteration: int | None = None
    ) -> None:
        """Log numbers that say how an attempt is doing."""
        self._tell("log_metrics", step=step, metrics=metrics, at=at, iteration=iteration)

    def log_artifact(self, step: StepInfo, path: Path, name: str) -> None:
        """Keep a file or a directory with the tracked run."""
        parts = name.split("/")
        if not all(parts) or {".", ".."} & set(parts):
            msg = f"the name of a file is '/'-separated, without empty, '.' and '..' parts, not {name!r}"
            raise ValueError(msg)
        self._tell("log_artifact", step=step, path=path, name=name)

    def set_tags(self, step: StepInfo, tags: Mapping[str, str]) -> None:
        """Mark the tracked run."""
        self._tell("set_tags", step=step, tags=tags)

    def url(self, step: StepInfo) -> str | None:
        """Where a person sees the tracked run: what the first tracker that has a page says."""
        for component in self._components:
            found: str | None = self._host.tell_one(component, "experiment_tracker_url", step=step)[1]
            if found is not None:
                return found
        return None
