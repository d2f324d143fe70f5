"""Describe a table, and how it differs from another."""

from __future__ import annotations

from collections import Counter
from math import isfinite
from statistics import fmean

from attrs import frozen

from plugbay_rules.columns import Column, Table
from plugbay_rules.rules import mean_shift, missing_share

_TOP = 5


@frozen
class Profile:
    """What is in a column."""

    name: str
    kind: str
    count: int
    distinct: int
    numbers: dict[str, float]
    top: list[tuple[str, int]]


def profiles_of(table: Table) -> list[Profile]:
    """Describe each column."""
    return [_profile(column) for column in table.columns.values()]


def metrics_of(table: Table, reference: Table | None) -> dict[str, float]:
    """Numbers to compare over time, by name and column."""
    metrics = {"rows": float(table.rows), "columns": float(len(table.columns))}
    for profile in profiles_of(table):
        column = table.columns[profile.name]
        numbers = {"count": profile.count, "missing_share": missing_share(column), "distinct": profile.distinct}
        metrics |= {f"{kind}[{profile.name}]": float(value) for kind, value in (numbers | profile.numbers).items()}
        if reference is not None and profile.name in reference.columns:
            metrics |= _differences(column, reference.columns[profile.name])
    return metrics


def _differences(column: Column, reference: Column) -> dict[str, float]:
    name = column.name
    differences = {f"missing_share_change[{name}]": missing_share(column) - missing_share(reference)}
    if {column.kind, reference.kind} <= {"integer", "number"} and all(
        map(isfinite, column.present + reference.present)
    ):
        shift = mean_shift(column, reference)
        return differences | ({f"mean_shift[{name}]": shift} if isfinite(shift) else {})
    if column.kind == reference.kind == "text":
        new = set(column.present) - set(reference.present)
        differences[f"new_categories[{name}]"] = float(len(new))
    return differences


def _profile(column: Column) -> Profile:
    # Lists are not hashable; what they look like is.
    counts = Counter(value if column.kind != "other" else str(value) for value in column.present)
    numbers: dict[str, float] = {}
    if column.kind in ("integer", "number"):
        values = sorted(float(value) for value in column.present if isfinite(value))
        if values:
            quantiles = {f"q{percent}": _quantile(values, percent / 100) for percent in (25, 50, 75)}
            numbers = {"min": values[0], **quantiles, "max": values[-1], "mean": fmean(values)}
    top = sorted(counts.items(), key=lambda each: (-each[1], str(each[0])))[:_TOP]
    return Profile(
        column.name, column.kind, len(column.present), len(counts), numbers, [(str(value), n) for value, n in top]
    )


def _quantile(values: list[float], share: float) -> float:
    """Between the two nearest values, as NumPy does."""
    position = (len(values) - 1) * share
    below = int(position)
    above = min(below + 1, len(values) - 1)
    return values[below] + (values[above] - values[below]) * (position - below)
