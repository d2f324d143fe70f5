"""What a step operator can do, and how a job of it is going."""

from typing import Literal, TypeAlias

from attrs import frozen

JobState: TypeAlias = Literal["queued", "running", "succeeded", "failed", "cancelled"]


@frozen(kw_only=True)
class JobStatus:
    """How a job is going."""

    state: JobState
    exit_code: int | None = None
    """Of the command, once it has ended by itself; negative: the number of the signal that ended it."""
    reason: str = ""
    """For a person: why it waits or failed, in the tool's words: ``OOMKilled``, ``ReqNodeNotAvail``."""

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state not in ("queued", "running")


@frozen(kw_only=True)
class OperatorCapabilities:
    """What a step operator can do; a plan that needs more is refused before anything starts."""

    resources: frozenset[str] = frozenset()
    """The names of resources it can grant a step: ``cpu``, ``memory``, ``gpu`` or its own."""
    image: Literal["unused", "optional", "required"] = "unused"
    """Whether a job runs in a container image, which the host then has built."""
