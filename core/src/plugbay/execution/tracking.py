"""The tracked run of an attempt: what the experiment trackers of a stack are told of it, from its start to its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from plugbay.execution.failures import error_info
from plugbay.host.host import Component, Host
from plugbay.masking import masked, masked_value
from plugbay.stack.facades.experiment_tracker import ExperimentTracker
from plugbay_hookspecs.types import StepInfo


class Tracking:
    """The experiment trackers that have started an attempt and not ended it yet; they alone are told anything of it.

    The methods are those of :class:`ExperimentTracker`, of this attempt.
    """

    def __init__(self, host: Host, step: StepInfo, components: Sequence[Component]) -> None:
        """Tell ``components`` about the attempt ``step``, once they have been started."""
        self._host, self._step, self._components = host, step, tuple(components)
        self._open: list[Component] = []
        self._trackers = ExperimentTracker(host, ())
        self.urls: dict[str, str] = {}
        """Where a person sees the tracked run, by component id."""
        self.asked = False
        """Whether the step has read where that is."""

    @property
    def open(self) -> bool:
        """Whether there is a tracked run."""
        return bool(self._open)

    @contextmanager
    def started(self, params: Mapping[str, object]) -> Iterator[None]:
        """Start every tracker in stack order, log ``params``, and end the trackers that started in reverse.

        A tracker that fails to start is reported and left out; the attempt goes on without it.
        """
        error: BaseException | None = None
        try:
            for component in self._components:
                if self._host.tell_one(component, "experiment_tracker_start", step=self._step)[0]:
                    self._open.append(component)
                    self._trackers = ExperimentTracker(self._host, self._open)
            if params:
                self.log_params(params)
            yield
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._end(error)

    def _end(self, error: BaseException | None) -> None:
        for component in self._open:
            url = self._host.tell_one(component, "experiment_tracker_url", step=self._step)[1]
            if url is not None:
                self.urls[component.id] = str(url)
        ending, self._open = self._trackers, []
        self._trackers = ExperimentTracker(self._host, ())  # a thread that goes on logging reaches nobody
        ending.end(self._step, None if error is None else error_info(error))

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log what the attempt was made with."""
        self._trackers.log_params(self._step, masked_value(dict(params)))

    def log_metrics(self, metrics: Mapping[str, float], at: float, *, iteration: int | None = None) -> None:
        """Log numbers that say how the attempt is doing."""
        self._trackers.log_metrics(self._step, metrics, at, iteration=iteration)

    def log_artifact(self, path: Path, name: str) -> None:
        """Keep a file or a directory with the tracked run."""
        self._trackers.log_artifact(self._step, path, masked(name))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Mark the tracked run."""
        self._trackers.set_tags(self._step, masked_value(dict(tags)))

    def url(self) -> str | None:
        """Where a person sees the tracked run: what the first tracker that has a page says."""
        self.asked = True
        return self._trackers.url(self._step)
