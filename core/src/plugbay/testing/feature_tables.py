"""What the contract of feature stores defines, asks and compares."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

import pytest
from attrs import field, frozen

from plugbay_hookspecs.types import FeatureDefinition, FeatureKind, PushTarget

FeatureType: TypeAlias = Literal["int", "float", "str"]
NOW = datetime.now(UTC).replace(microsecond=0)


def ago(hours: float, seconds: float = 0) -> datetime:
    """A moment before the tests began; a positive number of ``seconds`` brings it nearer."""
    return NOW - timedelta(hours=hours) + timedelta(seconds=seconds)


@frozen(kw_only=True)
class View:
    """A view that a flavor's test defines in the tool's own words, with what is known before anything is pushed."""

    name: str
    key: str = "driver"
    key_type: FeatureType = "int"
    features: Mapping[str, FeatureType] = field(factory=lambda: {"trips": "int", "rating": "float", "note": "str"})
    history: Sequence[Mapping[str, Any]] = ()
    """Rows of the key, ``event_timestamp`` (UTC) and the features; not in the order of time."""
    ttl: timedelta | None = None
    source: str | None = None
    """The name of the source that rows of the view can be pushed to."""


@frozen(kw_only=True)
class Service:
    """Some features under a name."""

    name: str
    features: tuple[str, ...]
    """Each as ``view:feature``."""


def row(driver: Any, at: datetime, trips: int, *, key: str = "driver") -> dict[str, Any]:
    """A row of a view's history: all its features follow from the number of trips."""
    return {key: driver, "event_timestamp": at, "trips": trips, "rating": trips / 4, "note": f"Größe {trips} 日本"}


def frame(library: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    """A dataframe of a library."""
    module = pytest.importorskip(library)
    return module.table(dict(columns)) if library == "pyarrow" else module.DataFrame(dict(columns))


def asked(*rows: tuple[Any, datetime], key: str = "driver", **more: Sequence[Any]) -> dict[str, Sequence[Any]]:
    """The columns of a table of entities."""
    return {key: [row[0] for row in rows], "event_timestamp": [row[1] for row in rows], **more}


def values(column: Any) -> list[Any]:
    """Plain values of a column of any library; what is null is ``None``."""
    plain = column.to_pylist() if hasattr(column, "to_pylist") else column.to_list()
    return [None if _is_null(each) else each for each in plain]


def _is_null(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or (value != value)


def same(found: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Tell whether values are equal; numbers may have become floats, as beside nulls they do."""
    return len(found) == len(expected) and all(
        one == other
        or (isinstance(one, float) and isinstance(other, (int, float)) and math.isclose(one, other, rel_tol=1e-6))
        for one, other in zip(found, expected, strict=True)
    )


@frozen
class FeatureHooks:
    """The hooks of a feature store, with the usual arguments left out."""

    hooks: Any

    def apply(self, definitions: Path | Sequence[Any]) -> None:
        """Define."""
        self.hooks.feature_store_apply(definitions=definitions)

    def historical(
        self, entities: Any, *features: str, full_names: bool = False, library: str = "pandas"
    ) -> dict[str, list[Any]]:
        """The columns of the answer."""
        table = frame(library, entities) if isinstance(entities, Mapping) else entities
        found = self.hooks.feature_store_historical_features(
            entities=table, features=list(features), full_names=full_names
        )
        names = getattr(found, "column_names", None) or list(found.columns)
        return {name: values(found[name]) for name in names}

    def online(self, drivers: Sequence[Any], *features: str, key: str = "driver", full_names: bool = False) -> Any:
        """The columns of the answer; a single feature's values alone."""
        found = self.hooks.feature_store_online_features(
            rows=[{key: driver} for driver in drivers], features=list(features), full_names=full_names
        )
        assert found is not None, "there is no online part; declare 'online' as lacking"
        assert list(found[key]) == list(drivers), "the keys of the answer are not those of the rows, in their order"
        if len(features) == 1 and ":" in features[0] and not full_names:
            return list(found[features[0].partition(":")[2]])
        return {name: list(column) for name, column in found.items()}

    def materialize(self, end: datetime, *views: str, start: datetime | None = None) -> None:
        """Copy what is known to where it is read fast."""
        self.hooks.feature_store_materialize(start=start, end=end, views=list(views) or None)

    def listed(self, kind: FeatureKind) -> list[FeatureDefinition]:
        """What is defined."""
        return list(self.hooks.feature_store_list(kind=kind))

    def push(
        self, *rows: Mapping[str, Any], source: str = "live", to: PushTarget = "online", library: str = "pandas"
    ) -> None:
        """Add rows."""
        table = frame(library, {name: [row[name] for row in rows] for name in rows[0]})
        self.hooks.feature_store_push(source=source, table=table, to=to)
