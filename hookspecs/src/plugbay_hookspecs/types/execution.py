"""The live objects that an orchestrator and a wrapper of a step's call are handed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

if TYPE_CHECKING:
    from plugbay_hookspecs.types.plan import Plan, Resources
    from plugbay_hookspecs.types.run import StepInfo


class StepPayload(Protocol):
    """A picklable call that executes one attempt in whatever process it is called."""

    def __call__(self) -> bytes:
        """Execute the attempt; return what :meth:`LiveRun.complete` takes. A failure of the step is in the result."""

    @property
    def spent(self) -> bool:
        """Whether a step has left something in this process that cannot be put back: execute no other step in it."""

    def release(self) -> None:
        """Stop the stack that this process started for payloads; call it before the process ends."""


class ReadyStep(Protocol):
    """An attempt of a step that can start now."""

    @property
    def info(self) -> StepInfo:
        """Which step of which run, and which attempt."""

    @property
    def resources(self) -> Resources:
        """What it asks for."""

    @property
    def timeout(self) -> float | None:
        """Seconds it may take. The executing process ends it by itself; an orchestrator may enforce it from outside."""

    @property
    def image(self) -> str | None:
        """The reference of the container image that :meth:`command` runs in; ``None`` when none was built for it."""

    @property
    def portable(self) -> bool:
        """Whether another process can import the step's function; if not, only :meth:`LiveRun.execute` runs it."""

    def payload(self, *, anywhere: bool = False) -> StepPayload:
        """A picklable call, for an engine that ships Python objects between like environments.

        :param anywhere: for a process that may be on another machine: it takes the code from the artifact store, which
            the call puts there once for each run, and no secret is in it. Otherwise for processes beside the driver,
            which read its files.
        """

    def command(self) -> Sequence[str]:
        """The command that executes the attempt anywhere that reaches the artifact store.

        Puts what the command needs (the code, where the inputs are) into the artifact store first.
        """

    def environment(self) -> Mapping[str, str]:
        """Environment variables that :meth:`command` needs; no secret is among them."""


class LiveRun(Protocol):
    """A run in progress. All methods may be called from any thread."""

    @property
    def id(self) -> str:
        """The run's id."""

    @property
    def plan(self) -> Plan:
        """What is being run."""

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked the run to stop."""

    def ready(self, limit: int | None = None) -> Iterator[ReadyStep]:
        """Yield each step when it can start; block while nothing can; end when the run is over.

        :param limit: hand out no more than this many at a time that are not complete yet.
        """

    def ready_together(self, most: int, limit: int | None = None) -> Iterator[Sequence[ReadyStep]]:
        """Like :meth:`ready`, but yield all steps that can start now, for an engine that takes many at the cost of one.

        :param most: yield no more than this many at once.
        """

    def execute(self, step: ReadyStep) -> None:
        """Execute the attempt in this process and complete it. A failure of the step is recorded, not raised."""

    def submitted(self, step: ReadyStep, cancel: Callable[[], None], *, queued: bool = False) -> None:
        """Tell how to end the attempt should the run be cancelled, fail fast, or the attempt overrun its timeout.

        :param cancel: ends the attempt; it must still be completed, with whatever came of it.
        :param queued: it may wait in a queue of the engine: its timeout counts from :meth:`started`, and is not enforced
            from outside until that is called. Otherwise it counts from now.
        """

    def started(self, step: ReadyStep) -> None:
        """Tell that the attempt, which was submitted as ``queued``, is being executed from now on.

        May be called before :meth:`submitted`, since an engine may be that fast. Called again, when the engine has begun
        the attempt anew, the timeout counts from the last call; of an attempt that is over, it changes nothing.
        """

    def complete(self, step: ReadyStep, result: bytes | BaseException | None = None) -> None:
        """Tell that the attempt is over.

        :param result: what the payload returned; ``None`` to read the record that the command left in the artifact
            store; an exception when the process that executed it was lost.
        """


@frozen(kw_only=True)
class StepCall:
    """The call of the user's function, about to be made."""

    function: Callable[..., Any]
    arguments: Mapping[str, Any]
    """By parameter name, loaded and ready."""
    timeout: float | None = None
    """Seconds it may take."""

    def __call__(self) -> Any:
        """Make the call and return what the function returns."""
        return self.function(**self.arguments)
