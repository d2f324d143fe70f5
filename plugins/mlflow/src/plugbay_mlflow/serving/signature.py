"""Whether a model's signature takes the values of a request: MLflow's scoring server cuts 1.5 to 1 for a column of integers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_INTEGERS = ("integer", "long")


def fractions_in(request: Any, model: Path) -> list[str]:
    """What is no integer in the columns that the signature of the model declares as integers, a text for each column.

    :param request: as :func:`plugbay_mlflow.serving.requests.plain` gives it.
    :param model: the directory that MLflow saved.
    """
    columns = _columns(model)
    if not isinstance(request, dict) or not any(kind in _INTEGERS for _, kind in columns):
        return []
    problems = []
    for index, (name, kind) in enumerate(columns):
        if kind in _INTEGERS:
            wrong = next((value for value in _values(request, index, name) if _is_fraction(value)), None)
            if wrong is not None:
                problems.append(f"column {name!r} is declared as {kind}, and {wrong!r} is no integer")
    return problems


def _columns(model: Path) -> list[tuple[str, str]]:
    """The names and types of the columns that the model declares; nothing for tensors and without a signature."""
    import yaml  # a dependency of MLflow's

    described = yaml.safe_load((model / "MLmodel").read_text(encoding="utf-8"))
    declared = (described.get("signature") or {}).get("inputs")
    found = json.loads(declared) if isinstance(declared, str) else declared or []
    return [(str(each.get("name", index)), str(each.get("type"))) for index, each in enumerate(found)]


def _values(request: Mapping[str, Any], index: int, name: str) -> Iterator[Any]:
    if split := request.get("dataframe_split"):
        names = [str(column) for column in split.get("columns", ())]
        at = names.index(name) if name in names else index
        yield from _column(split.get("data", ()), at, name)
    for key in ("dataframe_records", "inputs", "instances"):
        rows = request.get(key)
        if isinstance(rows, Mapping):
            values = rows.get(name)
            yield from values if isinstance(values, list) else [values]
        elif isinstance(rows, list):
            yield from _column(rows, index, name)


def _column(rows: Sequence[Any], index: int, name: str) -> Iterator[Any]:
    for row in rows:
        if isinstance(row, Mapping):
            yield row.get(name)
        elif isinstance(row, list) and index < len(row):
            yield row[index]


def _is_fraction(value: Any) -> bool:
    return isinstance(value, float) and math.isfinite(value) and not value.is_integer()
