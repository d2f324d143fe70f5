"""What a feature store knows."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import field, frozen

FeatureKind: TypeAlias = Literal["entity", "view", "service", "source"]
PushTarget: TypeAlias = Literal["online", "offline", "both"]


@frozen(kw_only=True)
class FeatureDefinition:
    """Something that is defined in a feature store."""

    kind: FeatureKind
    """An entity (what rows are about), a view (features that share entities and a source), a service (a named selection
    of features), or a source that rows can be pushed to."""
    name: str
    keys: tuple[str, ...] = ()
    """The columns that identify a row of the entity or the view."""
    features: Mapping[str, str] = field(factory=dict)
    """The type of each feature by its name, in the store's words; of a service, by ``view:feature``."""
    ttl: float | None = None
    """Seconds after which a value of the view is too old to be used; ``None``: it never is."""
    description: str = ""
    tags: Mapping[str, str] = field(factory=dict)
