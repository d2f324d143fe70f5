"""The keys of calls: two that differ in anything a step can see differ, two that do not are equal, in every process."""

from __future__ import annotations

import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from plugbay import pipeline, step
from plugbay.execution.keys import Keys
from plugbay.execution.schedule import Schedule
from plugbay.execution.tasks import load_input


@step
def take(value: Any) -> None: ...


def key_of(value: Any) -> str:
    compiled = pipeline(lambda: take(value)).compile()
    schedule = Schedule(compiled.plan)
    (planned,) = schedule.next_steps()
    (call,) = schedule.calls_of(planned)
    found = Keys(compiled).of(call).fingerprint
    assert found is not None
    return found


def seen(value: Any) -> Any:
    """What a step sees of a value, down to the content of files."""
    if isinstance(value, (list, tuple)):
        return type(value), [seen(item) for item in value]
    if isinstance(value, dict):
        return dict, [(seen(key), seen(item)) for key, item in value.items()]
    if isinstance(value, (set, frozenset)):
        return type(value), sorted(map(repr, map(seen, value)))
    if isinstance(value, pathlib.Path):
        content = value.read_bytes() if value.is_file() else sorted(os.listdir(value)) if value.is_dir() else None
        return pathlib.Path, str(value), content
    return type(value), repr(value)


names = st.sampled_from(["a", "b", "directory", "missing"])
atoms = (
    st.none() | st.booleans() | st.integers(0, 2) | st.floats(0, 2) | st.text("ab1", max_size=2) | st.binary(max_size=1)
)
plain = st.recursive(
    atoms | names.map(pathlib.Path),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.lists(st.tuples(st.sampled_from(["x", "y", 1, True, "$z"]), inner), max_size=3).map(dict)
        | st.sets(atoms | names.map(pathlib.Path), max_size=3)
        | st.frozensets(atoms, max_size=3)
    ),
    max_leaves=6,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(plain, plain, st.sampled_from(["nothing", "a", "b", "directory", "missing"]))
@example({"x": 1, "y": 2}, {"y": 2, "x": 1}, "nothing")
@example([{"x": (pathlib.Path("a"),)}], [{"x": (pathlib.Path("a"),)}], "a")
@example({pathlib.Path("directory")}, {pathlib.Path("directory")}, "directory")
@example({1: [pathlib.Path("missing")]}, {1: [pathlib.Path("missing")]}, "missing")
def test_two_arguments_share_a_key_only_if_a_step_sees_the_same(one: Any, other: Any, changed: str) -> None:
    with tempfile.TemporaryDirectory() as directory:
        before = os.getcwd()
        os.chdir(directory)
        try:
            pathlib.Path("a").write_text("a")
            pathlib.Path("b").write_text("b")
            pathlib.Path("directory").mkdir()
            first, saw = key_of(one), seen(one)
            if changed != "nothing":
                (pathlib.Path(changed) / "more" if changed == "directory" else pathlib.Path(changed)).write_text("new")
            assert (key_of(other) == first) == (seen(other) == saw)
            assert (key_of(one) == first) == (seen(one) == saw)
        finally:
            os.chdir(before)


def test_keys_are_the_same_in_every_process() -> None:
    drawn: list[Any] = []

    @settings(max_examples=60, database=None)
    @given(plain)
    def draw(value: Any) -> None:
        drawn.append(value)

    draw()
    expected = [key_of(value) for value in drawn]
    script = "import pickle, sys; sys.path.insert(0, sys.argv[1]); import test_semantics_of_keys as t;"
    script += "sys.stdout.buffer.write(pickle.dumps([t.key_of(value) for value in pickle.load(sys.stdin.buffer)]))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script, os.path.dirname(__file__)],
            input=pickle.dumps(drawn),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            timeout=100,
        )
        assert pickle.loads(done.stdout) == expected


def test_a_value_comes_to_the_step_as_it_was_given() -> None:
    for value in ({"b": 1, "a": 2}, {2: 1, 1: 2}, [{"x": {3: (), 1: []}}]):
        compiled = pipeline(lambda value=value: take(value)).compile()
        schedule = Schedule(compiled.plan)
        (call,) = schedule.calls_of(schedule.next_steps()[0])
        assert repr(load_input(call.inputs["value"], lambda artifact: None)) == repr(value)
