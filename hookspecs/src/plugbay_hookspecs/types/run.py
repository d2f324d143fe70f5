"""What the events of a run carry."""

from typing import Literal, TypeAlias

from attrs import frozen

RunStatus: TypeAlias = Literal["running", "succeeded", "failed", "cancelled", "interrupted"]
StepStatus: TypeAlias = Literal["succeeded", "cached", "failed", "skipped", "cancelled"]


@frozen(kw_only=True)
class RunInfo:
    """A run at its start."""

    id: str
    """A UUIDv7: ids sort by time."""
    pipeline: str
    stack: str
    steps: int
    """Planned steps; a mapped one counts once."""
    resumed: bool = False


@frozen(kw_only=True)
class StepInfo:
    """One attempt of one step."""

    run_id: str
    pipeline: str
    step: str
    """The step's id in the plan; of a mapped step's call ``id.0``, ``id.1``, ..."""
    name: str
    """The name of the step's function."""
    attempt: int
    """Counted from 1."""


@frozen(kw_only=True)
class ErrorInfo:
    """An exception, as text."""

    type: str
    """The qualified name of its class."""
    message: str
    traceback: str = ""
    """Frames of user code only, with the exceptions that caused it."""

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


@frozen(kw_only=True)
class CacheSource:
    """The attempt whose outputs answered instead of a computation."""

    run_id: str
    step: str
    attempt: int


@frozen(kw_only=True)
class RunOutcome:
    """How a run ended."""

    status: RunStatus
    seconds: float
    error: ErrorInfo | None = None
    """The first failure."""
    failed_step: str | None = None
