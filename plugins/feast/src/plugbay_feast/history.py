"""Look up what was known of entities at a moment."""

from __future__ import annotations

from typing import Any

from plugbay_feast.requests import Request, Wanted
from plugbay_feast.tables import TIME, as_utc

_ROW = "plugbay_row"


def look_up(store: Any, table: Any, wanted: Wanted, full_names: bool) -> Any:
    """Add the columns of features to a table, whose rows stay as they are; Feast loses those that come twice."""
    _check(table, wanted)
    answer = table.copy()
    found = {}
    for request in wanted.requests:
        found.update(_columns(store, table, request, full_names))
    for column in wanted.columns:
        answer[column] = found[column]
    return answer


def _check(table: Any, wanted: Wanted) -> None:
    missing = [column for column in (*wanted.keys, TIME) if column not in table.columns]
    if missing:
        msg = f"the table of entities has no column {', '.join(map(repr, missing))}; it has: {_listed(table)}"
        raise ValueError(msg)
    taken = [column for column in wanted.columns if column in table.columns]
    if taken:
        msg = f"the table of entities has a column {taken[0]!r} already; ask for full names, or rename it"
        raise ValueError(msg)


def _columns(store: Any, table: Any, request: Request, full_names: bool) -> dict[str, Any]:
    import pandas as pd  # type: ignore[import-untyped]

    used = table if request.is_computed else table[[*request.keys, TIME]]
    used = used.assign(**{TIME: as_utc(used[TIME])})
    by = [column for column in used.columns if all(map(_is_hashable, used[column]))]
    keys = [TIME, *request.keys]
    rows = used.groupby(by, dropna=False, sort=False).ngroup() if len(used) else pd.Series([], dtype="int64")
    asked = used.loc[~rows.duplicated()].assign(**{_ROW: rows}).dropna(subset=keys)
    answers = [_asked(store, part, request, full_names) for part in _rounds(asked, keys)]
    answer = pd.concat(answers) if answers else pd.DataFrame({name: [] for name in (_ROW, *request.columns.values())})
    values = answer.set_index(_ROW)[list(request.columns.values())].reindex(rows.to_numpy())
    return {column: values[column].array for column in values.columns}


def _rounds(asked: Any, keys: list[str]) -> list[Any]:
    """Parts in which no key comes twice at one time: of those that do, Feast answers the last only."""
    if asked.empty:
        return []
    number = asked.groupby(keys, sort=False).cumcount()
    return [part.reset_index(drop=True) for _, part in asked.groupby(number.to_numpy())]


def _asked(store: Any, part: Any, request: Request, full_names: bool) -> Any:
    job = store.get_historical_features(entity_df=part, features=request.features, full_feature_names=full_names)
    return job.to_df()[[_ROW, *request.columns.values()]]


def _is_hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _listed(table: Any) -> str:
    return ", ".join(map(str, table.columns)) or "none"
