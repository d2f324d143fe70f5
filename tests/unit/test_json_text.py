"""JSON that strict readers take."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import attrs
from hypothesis import given
from hypothesis import strategies as st

from plugbay.json_text import compact, indented
from plugbay.store.documents import AttemptRecord, read, write

NUMBERS = st.floats() | st.sampled_from([math.nan, math.inf, -math.inf])
TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
RECORD = AttemptRecord(run_id="r", step="f", name="f", attempt=1, status="succeeded", started=1.0, ended=2.0)


def refuse(word: str) -> NoReturn:
    msg = f"{word} is no JSON"
    raise ValueError(msg)


def strictly(text: str) -> Any:
    return json.loads(text, parse_constant=refuse)


def as_text(tree: Any) -> Any:
    """What a reader without such numbers has in their places."""
    if isinstance(tree, float) and not math.isfinite(tree):
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(tree)]
    if isinstance(tree, dict):
        return {key: as_text(item) for key, item in tree.items()}
    return [as_text(item) for item in tree] if isinstance(tree, list) else tree


@given(TREES)
def test_whatever_numbers_are_in_a_tree_its_text_is_strict_json(tree: Any) -> None:
    assert strictly(compact(tree)) == strictly(indented(tree)) == as_text(tree)


@given(st.dictionaries(NUMBERS, st.integers(), max_size=3))
def test_also_where_they_are_keys(tree: dict[float, int]) -> None:
    assert set(map(type, strictly(compact(tree)))) <= {str}


@given(st.lists(NUMBERS, max_size=4))
def test_metrics_of_a_record_are_strict_json_and_read_as_they_were(values: list[float]) -> None:
    content = write(attrs.evolve(RECORD, metrics={"loss": tuple((1.0, value) for value in values)}))
    strictly(content.decode())
    again = read(content, AttemptRecord, "key").metrics["loss"]
    assert list(map(repr, again)) == [repr((1.0, value)) for value in values]


def test_a_record_that_has_them_as_python_writes_them_is_read() -> None:
    content = write(attrs.evolve(RECORD, metrics={"loss": ((1.0, math.nan), (2.0, -math.inf))}))
    old = content.replace(b'"NaN"', b"NaN").replace(b'"-Infinity"', b"-Infinity")
    assert old != content
    assert repr(read(old, AttemptRecord, "key").metrics["loss"]) == "((1.0, nan), (2.0, -inf))"
