"""Expressions and queries of polars that hold Python functions: told by the functions, and by the rest of the plan."""

from __future__ import annotations

import hashlib
import io
import pickle
import re
from collections.abc import Mapping
from typing import Any

_BEGINNING = re.compile(rb"\x80[\x04\x05]\x95")
"""Of a pickle, in which polars keeps a function."""
_SPLIT = re.compile(rb"\xcc([\x80-\xff])")
"""How a query writes a byte of an array where it is no small number."""
_LENGTH = 8


def parts_of_query(value: Any) -> Mapping[str, object] | None:
    """Tell an expression or a lazy frame by its functions and its plan; ``None`` for one without functions.

    :raises Exception: any, when polars cannot write it or a function cannot be read from what it wrote.
    """
    import polars as pl

    if type(value) not in (pl.Expr, pl.LazyFrame):
        return None
    state = _SPLIT.sub(rb"\1", value.__getstate__())
    parts: dict[str, object] = {}
    plan = hashlib.sha256()
    end = 0
    while (beginning := _BEGINNING.search(state, end)) is not None:
        plan.update(state[end : beginning.start()])
        length = int.from_bytes(state[beginning.end() : beginning.end() + _LENGTH], "little")
        if length > len(state) - beginning.end():  # data that looks alike
            plan.update(beginning[0])
            end = beginning.end()
            continue
        file = io.BytesIO(state[beginning.start() :])
        parts[f"functions[{len(parts)}]"] = pickle.load(file)  # noqa: S301  polars has just written it
        end = beginning.start() + file.tell()
    if not parts:
        return None
    plan.update(state[end:])
    return {**parts, "plan": plan.digest()}
