"""The typed facade of the stack's feature store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import FeatureDefinition, FeatureKind, PushTarget


class FeatureStore(ToOne):
    """Values about entities; see :mod:`plugbay_hookspecs.feature_store` for what each call promises."""

    def historical_features(self, entities: Any, features: Sequence[str], *, full_names: bool = False) -> Any:
        """A table with what was known of each entity at its own moment."""
        return self._call("historical_features", entities=entities, features=features, full_names=full_names)

    def online_features(
        self, rows: Sequence[Mapping[str, object]], features: Sequence[str], *, full_names: bool = False
    ) -> Mapping[str, Sequence[object]] | None:
        """What is known of entities now, by feature; ``None`` when the store has no online part."""
        found: Mapping[str, Sequence[object]] | None = self._call(
            "online_features", rows=rows, features=features, full_names=full_names
        )
        return found

    def materialize(self, start: datetime | None, end: datetime, *, views: Sequence[str] | None = None) -> None:
        """Copy the values of a period to where they are read fast; no start: go on from the last time."""
        self._call("materialize", start=start, end=end, views=views)

    def apply(self, definitions: Path | Sequence[Any]) -> None:
        """Create or change definitions."""
        self._call("apply", definitions=definitions)

    def list(self, kind: FeatureKind) -> Sequence[FeatureDefinition] | None:
        """What is defined; ``None`` when the store cannot list."""
        found: Sequence[FeatureDefinition] | None = self._call("list", kind=kind)
        return found

    def push(self, source: str, table: Any, *, to: PushTarget = "online") -> None:
        """Add rows to a source."""
        self._call("push", source=source, table=table, to=to)
