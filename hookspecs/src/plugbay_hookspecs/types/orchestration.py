"""What an orchestrator can do, and when it should."""

from typing import Literal

from attrs import frozen


@frozen(kw_only=True)
class Capabilities:
    """What an orchestrator can do; a plan that needs more is refused before anything starts."""

    parallel: bool = False
    """Runs several steps at a time."""
    detached: bool = False
    """Goes on when the process that submitted the run ends."""
    schedules: bool = False
    """Starts runs by itself at set times."""
    dynamic_maps: bool = True
    """Runs a map whose length is known only at run time."""
    resources: frozenset[str] = frozenset()
    """The names of resources it can grant a step: ``cpu``, ``memory``, ``gpu`` or its own."""
    cancel: bool = False
    """Can end a running step."""
    image: Literal["unused", "optional", "required"] = "unused"
    """Whether the commands of steps run in container images, which the host then has built; see ``ReadyStep.image``."""


@frozen(kw_only=True)
class Schedule:
    """When to start runs of a plan."""

    cron: str
    """Five fields: minute, hour, day of month, month, day of week."""
    timezone: str = "UTC"
    """An IANA name."""
    id: str | None = None
    """Given by the orchestrator once it knows the schedule."""
