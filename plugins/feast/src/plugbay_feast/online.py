"""Look up what is known of entities now."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from plugbay_feast.requests import Wanted


def look_up(
    store: Any, rows: Sequence[Mapping[str, object]], wanted: Wanted, full_names: bool
) -> Mapping[str, Sequence[object]]:
    """Ask the online store, and leave out what is too old: Feast tells values whatever their age."""
    missing = [key for key in wanted.keys if any(key not in row for row in rows)]
    if missing:
        msg = f"a row of entities has no value of the key {missing[0]!r}"
        raise ValueError(msg)
    if not rows:
        return {column: [] for column in (*wanted.keys, *wanted.columns)}
    answer = store.get_online_features(
        features=wanted.lookup, entity_rows=[dict(row) for row in rows], full_feature_names=full_names
    )
    found = answer.to_dict()
    known = {column: [_plain(value) for value in found[column]] for column in wanted.columns}
    now = time.time()
    for name, result in zip(answer.proto.metadata.feature_names.val, answer.proto.results, strict=True):
        if name in wanted.ttl:
            oldest = now - wanted.ttl[name]
            moments = [moment.seconds + moment.nanos / 1e9 for moment in result.event_timestamps]
            known[name] = [
                value if moment >= oldest else None for value, moment in zip(known[name], moments, strict=True)
            ]
    return {name: [row[name] for row in rows] for name in rows[0]} | known


def _plain(value: Any) -> Any:
    """A plain value of what Feast or numpy have made of it."""
    return value.item() if hasattr(value, "item") and not getattr(value, "shape", None) else value
