"""``current()``: what a step's own code can ask and tell while it runs."""

from __future__ import annotations

import functools
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from plugbay.errors import PlugbayError
from plugbay.masking import masked, masked_value
from plugbay.stack import Stack
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.values import encode
from plugbay_hookspecs.types import Artifact, Message, Severity, StepInfo

if TYPE_CHECKING:
    from plugbay.execution.provenance import StepDataValidator, StepModelDeployer, StepModelRegistry
    from plugbay.execution.tracking import Tracking
    from plugbay.stack.facades.addressed import ByName
    from plugbay.stack.facades.alerter import Alerter
    from plugbay.stack.facades.annotator import Annotator
    from plugbay.stack.facades.container_registry import ContainerRegistry
    from plugbay.stack.facades.feature_store import FeatureStore
    from plugbay.stack.facades.image_builder import ImageBuilder
    from plugbay.stack.facades.orchestrator import Orchestrator
    from plugbay.stack.facades.secrets_manager import SecretsManager
    from plugbay.stack.facades.step_operator import StepOperator

_current: ContextVar[CurrentStep | None] = ContextVar("plugbay_current_step", default=None)


class CurrentStep:
    """The step that is being executed."""

    def __init__(
        self, info: StepInfo, stack: Stack, *, tracking: Tracking | None = None, inputs: Sequence[Artifact] = ()
    ) -> None:
        """Describe the attempt ``info`` with the artifacts ``inputs``, executed on ``stack``.

        :param tracking: what is told to experiment trackers; ``None`` when the stack has none.
        """
        self._info, self._stack, self._tracking, self._inputs = info, stack, tracking, tuple(inputs)
        self.metrics: dict[str, list[tuple[float, float]]] = {}
        """What was logged so far, by name: (seconds since the epoch, value)."""
        self.params: dict[str, Any] = {}
        """What was logged so far, in canonical JSON form."""
        self.asked: set[str] = set()
        """What the step has read of its place: ``run_id``, ``step``, ``attempt``."""

    @property
    def run_id(self) -> str:
        """The run's id."""
        self.asked.add("run_id")
        return self._info.run_id

    @property
    def step(self) -> str:
        """The step's id in the plan; of a mapped step's call ``id.0``, ``id.1``, ..."""
        self.asked.add("step")
        return self._info.step

    @property
    def attempt(self) -> int:
        """The number of the attempt, counted from 1."""
        self.asked.add("attempt")
        return self._info.attempt

    @property
    def artifact_store(self) -> ArtifactStore:
        """The stack's artifact store."""
        return self._stack.artifact_store

    @property
    def orchestrator(self) -> Orchestrator:
        """The stack's orchestrator; a worker on another machine may be without."""
        return self._stack.orchestrator

    @property
    def container_registry(self) -> ContainerRegistry:
        """The stack's container registry."""
        return self._stack.container_registry

    @property
    def image_builder(self) -> ImageBuilder:
        """The stack's image builder."""
        return self._stack.image_builder

    @property
    def feature_store(self) -> FeatureStore:
        """The stack's feature store."""
        return self._stack.feature_store

    @functools.cached_property
    def model_registry(self) -> StepModelRegistry:
        """The stack's model registry; a version that is created keeps which run and step it comes from."""
        from plugbay.execution.provenance import StepModelRegistry

        component = self._stack.only("model_registry")
        read = functools.partial(self._stack.read_version, inputs=self._inputs)
        return StepModelRegistry(self._stack.host, component, self._info, self._inputs, self.artifact_store, read)

    @property
    def secrets_manager(self) -> SecretsManager:
        """The stack's secrets managers, asked in order."""
        return self._stack.secrets_manager

    @property
    def secrets_managers(self) -> ByName[SecretsManager]:
        """The stack's secrets managers by name."""
        return self._stack.secrets_managers

    @functools.cached_property
    def experiment_tracker(self) -> Tracking:
        """The stack's experiment trackers; what they are told belongs to this attempt."""
        from plugbay.execution.tracking import Tracking

        return self._tracking or Tracking(self._stack.host, self._info, ())

    @property
    def alerter(self) -> Alerter:
        """The stack's alerters."""
        return self._stack.alerter

    @property
    def alerters(self) -> ByName[Alerter]:
        """The stack's alerters by name."""
        return self._stack.alerters

    @property
    def step_operator(self) -> StepOperator:
        """The stack's only step operator."""
        return self._stack.step_operator

    @property
    def step_operators(self) -> ByName[StepOperator]:
        """The stack's step operators by name."""
        return self._stack.step_operators

    @property
    def model_deployer(self) -> StepModelDeployer:
        """The stack's only model deployer."""
        return self.model_deployers.the_only_one()

    @functools.cached_property
    def model_deployers(self) -> ByName[StepModelDeployer]:
        """The stack's model deployers by name; a deployment keeps which run and step deployed it."""
        from plugbay.execution.provenance import StepModelDeployer

        return self._stack.by_name(
            "model_deployer",
            lambda host, component: StepModelDeployer(host, component, self._info, self._inputs, self.artifact_store),
        )

    @property
    def annotator(self) -> Annotator:
        """The stack's only annotator."""
        return self._stack.annotator

    @property
    def annotators(self) -> ByName[Annotator]:
        """The stack's annotators by name."""
        return self._stack.annotators

    @property
    def data_validator(self) -> StepDataValidator:
        """The stack's only data validator."""
        return self.data_validators.the_only_one()

    @functools.cached_property
    def data_validators(self) -> ByName[StepDataValidator]:
        """The stack's data validators by name; their reports are shown to the experiment trackers."""
        from plugbay.execution.provenance import StepDataValidator

        return self._stack.by_name(
            "data_validator", lambda host, component: StepDataValidator(host, component, self.experiment_tracker)
        )

    def alert(self, title: str, text: str = "", severity: Severity = "info") -> None:
        """Tell people through the stack's alerters; one that fails is reported and does not fail the step."""
        run_id, step = self._info.run_id, self._info.step
        fields = {"run": run_id, "step": step}
        self.alerter.post(Message(title=title, text=text, severity=severity, fields=fields, topic=run_id))

    def secret(self, name: str) -> str:
        """Ask the stack's secrets managers. Raises :class:`plugbay.errors.NotFoundError` when none knows it."""
        return self._stack.secret(name)

    def log_metrics(self, metrics: Mapping[str, float], *, iteration: int | None = None) -> None:
        """Log numbers, at this moment; they are kept in the record and told to every plugin that listens.

        Raises ``TypeError`` for a value that is no number.

        :param iteration: the epoch or batch that they belong to, for experiment trackers.
        """
        from plugbay.execution.logged_values import metric_number  # many steps log nothing

        at = time.time()
        numbers = {masked(str(name)): metric_number(name, value) for name, value in metrics.items()}
        for name, number in numbers.items():
            self.metrics.setdefault(name, []).append((at, number))
        self._stack.host.tell("log_metrics", step=self._info, metrics=numbers, at=at)
        if self._tracking is not None:
            self._tracking.log_metrics(numbers, at, iteration=iteration)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log plain values that describe the attempt; a later value of a name replaces the earlier one.

        A number of NumPy, pandas or torch is logged as Python's own, what is no plain value as its text.
        """
        from plugbay.execution.logged_values import plain_parameters  # as above

        plain = plain_parameters(params)
        self.params.update({name: encode(value, f"parameter {name!r}") for name, value in plain.items()})
        self._stack.host.tell("log_params", step=self._info, params=masked_value(dict(plain)))
        if self._tracking is not None:
            self._tracking.log_params(plain)


class _Running:
    """The steps that are executed in this process: what a thread belongs to that has no context of its own."""

    def __init__(self) -> None:
        self._entries: list[tuple[CurrentStep, int, frozenset[int]]] = []
        """Each with its thread, and the threads there were when it began while another one was executed."""

    def __len__(self) -> int:
        return len(self._entries)

    def begin(self, step: CurrentStep) -> None:
        others = frozenset(sys._current_frames()) if self._entries else frozenset[int]()
        self._entries.append((step, threading.get_ident(), others))

    def end(self, step: CurrentStep) -> None:
        self._entries.remove(next(entry for entry in self._entries if entry[0] is step))

    def alone(self) -> bool:
        """Whether no other thread executes a step."""
        return len({thread for _, thread, _ in tuple(self._entries)}) == 1

    def lone(self) -> CurrentStep | None:
        """The only one there is; of a step and those of the runs that it makes itself, the one that started this thread."""
        entries = tuple(self._entries)
        if len({thread for _, thread, _ in entries}) != 1:
            return None
        here = threading.get_ident()
        return next((step for step, _, others in reversed(entries) if here not in others), None)


_running = _Running()


def current() -> CurrentStep:
    """Return the step that is being executed. Raises :class:`PlugbayError` where there is none.

    A thread that the step has started knows it too, unless steps are executed in several threads of the process.
    """
    found = _current.get() or _running.lone()
    if found is None and len(_running):
        msg = (
            "current() was called in a thread that does not know its step, and several are executed in this process; "
            "hand the thread the step's context: contextvars.copy_context().run(function, ...)"
        )
        raise PlugbayError(msg)
    if found is None:
        msg = (
            "current() was called outside a step of a run; in a test, call code that needs it from a step of a pipeline"
        )
        raise PlugbayError(msg)
    return found


def alone() -> bool:
    """Whether steps are executed in no other thread of this process."""
    return _running.alone()


@contextmanager
def executing(step: CurrentStep) -> Iterator[CurrentStep]:
    """Make ``step`` the current one in this context."""
    token = _current.set(step)
    _running.begin(step)
    try:
        yield step
    finally:
        _running.end(step)
        _current.reset(token)
