"""Models that are kept under a name, version by version."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import field, frozen

ModelStage: TypeAlias = Literal["none", "staging", "production", "archived"]
VersionOrder: TypeAlias = Literal["newest", "oldest"]


@frozen(kw_only=True)
class ModelOrigin:
    """Where a version comes from."""

    run_id: str
    step: str
    """The step's id in the plan."""
    digest: str
    """Of the artifact, which is that of the source's bytes; empty when the source lies where only the registry reads it."""


@frozen(kw_only=True)
class RegisteredModel:
    """A name that versions are kept under."""

    name: str
    description: str = ""
    metadata: Mapping[str, str] = field(factory=dict)
    aliases: Mapping[str, str] = field(factory=dict)
    """The version that each alias stands for."""
    created: float | None = None
    """Seconds since the epoch."""
    updated: float | None = None
    """Seconds since the epoch."""


@frozen(kw_only=True)
class ModelVersion:
    """One version of a model."""

    name: str
    """The model's."""
    version: str
    """Given by the registry: unique under the name, given once only, and never beginning with ``@``."""
    source: str
    """Where its files lie, as a URI."""
    stage: ModelStage = "none"
    description: str = ""
    metadata: Mapping[str, str] = field(factory=dict)
    aliases: tuple[str, ...] = ()
    origin: ModelOrigin | None = None
    """``None`` for one that no run made."""
    created: float | None = None
    """Seconds since the epoch."""
    updated: float | None = None
    """Seconds since the epoch."""
