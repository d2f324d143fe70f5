"""Values that are nested deeply, or in themselves."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugbay import PlanError, RunFailed, pipeline, step
from plugbay.typecheck import mismatch
from plugbay.values import EncodingError, canonical, decode, encode

WAYS = st.lists(st.sampled_from(["list", "tuple", "dict", "odd dict"]), min_size=1, max_size=4)


def nested(ways: list[str], depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        way = ways[level % len(ways)]
        value = {"list": [value], "tuple": (value,), "dict": {"a": value}, "odd dict": {1: value}}[way]
    return value


def depth_of(value: Any) -> int:
    depth = 0
    while not isinstance(value, int):
        value = next(iter(value.values())) if isinstance(value, dict) else value[0]
        depth += 1
    return depth


@given(WAYS, st.integers(1, 1000))
def test_what_can_be_encoded_can_be_read_and_told_apart(ways: list[str], depth: int) -> None:
    value = nested(ways, depth)
    try:
        tree = encode(value, "it")
    except EncodingError as error:
        assert str(error).startswith("it is nested too deeply")  # noqa: PT017
        assert depth > 100
        return
    assert depth_of(decode(tree)) == depth
    assert canonical(tree)


@pytest.mark.parametrize("way", ["list", "dict"])
def test_350_levels_are_not_too_many(way: str) -> None:
    assert depth_of(decode(encode(nested([way], 350)))) == 350


def in_itself(way: str, around: object = None) -> Any:
    value: Any = {"around": around} if way == "dict" else [around]
    if way == "dict":
        value["a"] = value
    else:
        value.append(value if way == "list" else (value,))
    return value


@step
def taken(tree: object) -> int:
    return 1


@step
def made() -> list[int]:
    return []


@pytest.mark.parametrize("way", ["list", "tuple", "dict"])
@pytest.mark.parametrize("with_output", [True, False])
def test_what_contains_itself_is_refused_when_the_pipeline_is_planned(way: str, with_output: bool) -> None:
    @pipeline
    def p() -> None:
        taken(in_itself(way, made() if with_output else None))

    with pytest.raises(PlanError, match=r"^argument 'tree' of step 'taken'.* contains itself"):
        p.compile()


def test_an_output_in_many_lists_is_refused_or_taken() -> None:
    @pipeline
    def p(depth: int) -> None:
        value: Any = made()
        for _ in range(depth):
            value = [value]
        taken(value)

    assert p.compile(depth=90)
    with pytest.raises(PlanError, match="nested in more than 100 lists and dicts"):
        p.compile(depth=5000)


def test_a_wrong_value_is_described_however_deep_it_is() -> None:
    text = mismatch(nested(["list"], 100_000), int, "it")
    assert text == "it: expected int, got list (nested too deeply to be shown)"


FLOW = """
from plugbay import current, pipeline, step


@step
def f(tree: {kind}) -> {kind}:
    return tree


@step
def g(tree: {kind}, depth: int) -> int:
    found = 0
    while tree not in ({empty}):
        tree, found = {inner}, found + 1
    return found


@pipeline
def p(depth: int):
    tree = {empty_one}
    for _ in range(depth):
        tree = {outer}
    g(f(tree), depth)
    g(tree, depth)
"""
FORMS = {
    "list": {"kind": "list", "empty": "[],", "empty_one": "[]", "outer": "[tree]", "inner": "tree[0]"},
    "tuple": {"kind": "tuple", "empty": "(),", "empty_one": "()", "outer": "(tree,)", "inner": "tree[0]"},
    "dict": {"kind": "dict", "empty": "{},", "empty_one": "{}", "outer": "{'a': tree}", "inner": "tree['a']"},
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("works", [True, False])
def test_a_run_takes_deep_arguments_and_outputs_or_says_why_not(tmp_path: Path, form: str, works: bool) -> None:
    depth = (180 if form == "tuple" else 350) if works else 5000
    text = FLOW
    for word, replacement in FORMS[form].items():
        text = text.replace(f"{{{word}}}", replacement)
    (tmp_path / "flow.py").write_text(text)

    def plugbay(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "plugbay", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    done = plugbay("run", "flow.py:p", "-p", f"depth={depth}")
    assert "RecursionError" not in done.stderr
    assert (done.returncode == 0) is works, done
    if works:
        assert plugbay("show", "last", "--json").returncode == plugbay("show", "last").returncode == 0
        again = plugbay("run", "flow.py:p", "-p", f"depth={depth}")
        assert again.returncode == 0, again
    else:
        assert "argument 'tree' of step 'f' is nested too deeply" in done.stderr


@pytest.mark.parametrize("depth", [300, 1000, 100_000])
def test_an_output_is_kept_or_told_by_its_name_to_be_too_deep(depth: int) -> None:
    @step
    def deep() -> list[Any]:
        value: Any = 1
        for _ in range(depth):
            value = [value]
        return value

    @pipeline
    def p() -> None:
        deep()

    try:
        run = p.run()
    except RunFailed as error:
        assert depth > 300  # how much more there may be depends on the version of Python
        told = str(error)
        assert re.search(r"nested too deeply to be kept: give it fewer levels(?s:.*)output 'output'", told)
        assert "RecursionError" not in told
    else:
        assert depth < 100_000
        assert depth_of(run["deep"].output.load()) == depth
