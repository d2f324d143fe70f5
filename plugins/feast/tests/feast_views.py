"""Views of the contract in the words of Feast."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from plugbay.testing.feature_tables import Service, View


def define(views: Sequence[View], services: Sequence[Service], folder: Path) -> Sequence[Any]:
    """Write each view's history to a Parquet file, and define it."""
    from feast import FeatureService

    made: dict[str, Any] = {}
    entities: dict[str, Any] = {}
    for number, view in enumerate(views):
        made[view.name] = feast_view(view, folder / f"{number}.parquet", entities)
    found = [*entities.values(), *made.values()]
    for service in services:
        names = [name.partition(":") for name in service.features]
        found.append(FeatureService(name=service.name, features=[made[view][[feature]] for view, _, feature in names]))
    return found


def feast_view(view: View, file: Path, entities: dict[str, Any], created: bool = False) -> Any:
    """A Feast view over a new Parquet file."""
    import pandas as pd
    from feast import Entity, FeatureView, Field, FileSource, PushSource, ValueType
    from feast.types import Float64, Int64, String

    types = {"int": Int64, "float": Float64, "str": String}
    kinds = {"int": ValueType.INT64, "float": ValueType.DOUBLE, "str": ValueType.STRING}
    table = pd.DataFrame(list(view.history), columns=[view.key, "event_timestamp", *view.features])
    table["event_timestamp"] = pd.to_datetime(table["event_timestamp"], utc=True)
    table.to_parquet(file)
    entity = entities.setdefault(view.key, Entity(name=view.key, join_keys=[view.key], value_type=kinds[view.key_type]))
    source = FileSource(name=f"{view.name}_history", path=str(file), timestamp_field="event_timestamp")
    return FeatureView(
        name=view.name,
        entities=[entity],
        ttl=view.ttl or timedelta(0),
        schema=[
            Field(name=view.key, dtype=types[view.key_type]),
            *(Field(name=name, dtype=types[kind]) for name, kind in view.features.items()),
        ],
        source=PushSource(name=view.source, batch_source=source) if view.source else source,
    )
