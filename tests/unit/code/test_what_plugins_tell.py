"""A plugin for a library tells its values: by bytes, or by what they are made of, which then counts; and how to pickle them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = """
import functools

class Box:
    def __init__(self, *things): self.things, self.address = things, id(things)

class Handle:
    pass

def decorated(function):
    salt = object()
    @functools.wraps(function)
    def inner(*arguments): return function(*arguments), salt
    inner.original, inner.address = function, id(inner)
    return inner
"""
PLUGIN = """
import types
from plugbay_hookspecs import component, hookimpl

@component
class Boxes:
    @hookimpl
    def fingerprint_of(self, value):
        if isinstance(value, types.FunctionType):
            return {"original": value.original}
        if type(value).__name__ == "Handle":
            raise ValueError("a handle says\\nnothing")
        if value.things == ("wrong",):
            return 3
        return b"empty" if not value.things else {f"things[{i}]": each for i, each in enumerate(value.things)}

    @hookimpl
    def reduced(self, value):
        return type(value), value.things
"""
TAKE = """
import flow, hashlib, json
from plugbay.code.fingerprint import code_fingerprint
from plugbay.serializers.pickling import dumps, loads
taken = code_fingerprint(flow.target)
box = flow.boxes.Box("a")
print(json.dumps([taken.digest, [str(each) for each in taken.unknown], hashlib.sha256(dumps([box])).hexdigest(), loads(dumps(box)).things]))
"""


def take(directory: Path, constant: str, seed: int = 0) -> tuple[str, list[str], str, list[str]]:
    (directory / "site-packages").mkdir(exist_ok=True)
    (directory / "site-packages" / "boxes.py").write_text(LIBRARY, encoding="utf-8")
    (directory / "site-packages" / "boxes_plugin.py").write_text(PLUGIN, encoding="utf-8")
    info = directory / "site-packages" / "boxes_plugin-1.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: boxes-plugin\nVersion: 1\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[plugbay.serializer]\nboxes = boxes_plugin:Boxes\n", encoding="utf-8")
    project = directory / "project"
    project.mkdir(exist_ok=True)
    text = f"import boxes\ndef h(): return 1\nCONSTANT = {constant}\ndef target(): return CONSTANT\n"
    (project / "flow.py").write_text(text, encoding="utf-8")
    path = os.pathsep.join((str(project), str(directory / "site-packages")))
    done = subprocess.run(
        [sys.executable, "-c", f"pads = list(range({seed}))\n{TAKE}"],
        cwd=project,
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": str(seed), "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    digest, unknown, pickle, things = json.loads(done.stdout)
    return digest, unknown, pickle, things


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("boxes.Box(1)", "boxes.Box(2)"),
        ("boxes.Box(lambda: 1)", "boxes.Box(lambda: 2)"),
        ("boxes.Box(1)", "boxes.Box()"),
        ("boxes.decorated(lambda: 1)", "boxes.decorated(lambda: 2)"),
    ],
    ids=["value", "function", "bytes", "function that the library has made"],
)
def test_what_a_plugin_says_that_a_value_is_made_of_counts_and_nothing_else(
    tmp_path: Path, one: str, other: str
) -> None:
    digest, unknown, *_ = take(tmp_path, one)
    assert unknown == []
    assert take(tmp_path, one, seed=99)[0] == digest
    assert take(tmp_path, other)[0] != digest


@pytest.mark.parametrize(
    ("constant", "reason"),
    [
        ("boxes.Handle()", "ValueError: a handle says nothing"),
        ("boxes.Box('wrong')", "the plugin for boxes gave a builtins.int"),
    ],
)
def test_a_plugin_that_does_not_know_a_value_leaves_it_unknown_with_the_reason(
    tmp_path: Path, constant: str, reason: str
) -> None:
    _, (unknown,), *_ = take(tmp_path, constant)
    assert "flow.CONSTANT" in unknown and reason in unknown


def test_a_value_is_pickled_in_the_form_that_its_plugin_gives(tmp_path: Path) -> None:
    *_, one, things = take(tmp_path, "1")
    assert things == ["a"]
    assert take(tmp_path, "1", seed=99)[2] == one
