"""The measurements of wines in the words of Feast."""

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd


class Defined(NamedTuple):
    """What is defined, and the names of the features."""

    definitions: list[Any]
    features: list[str]


def define(wines: pd.DataFrame, directory: Path) -> Defined:
    """Write the history to a file, and describe it."""
    from feast import Entity, FeatureView, Field, FileSource, ValueType
    from feast.types import Float64, Int64

    directory.mkdir(exist_ok=True)
    wines.to_parquet(directory / "wines.parquet")
    names = [name for name in wines.columns if name not in ("wine", "event_timestamp")]
    wine = Entity(name="wine", join_keys=["wine"], value_type=ValueType.INT64)
    view = FeatureView(
        name="analysis",
        entities=[wine],
        schema=[Field(name="wine", dtype=Int64), *(Field(name=name, dtype=Float64) for name in names)],
        source=FileSource(name="analyses", path=str(directory / "wines.parquet"), timestamp_field="event_timestamp"),
    )
    return Defined([wine, view], [f"analysis:{name}" for name in names])
