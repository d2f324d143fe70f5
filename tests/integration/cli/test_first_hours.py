"""What somebody meets in the first hours with Plugbay: each is told with the line it is about and what to write instead."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from plugbay.testing.waiting import stretched

HANDLES = """
from plugbay import pipeline, step


@step
def kind() -> str:
    return "x"


@step
def score() -> float:
    return 0.5


@step
def save(name: str) -> str:
    return name


@pipeline
def using() -> None:
    {use}
"""


@pytest.mark.parametrize(
    "use",
    [
        'if kind() == "x": save("a")',
        'if kind() != "x": save("a")',
        'if kind() in ["x", "y"]: save("a")',
        "if kind(): save('a')",
        "if not kind(): save('a')",
        "if score() > 0.4: save('a')",
        "if 0.4 < score(): save('a')",
        'save(f"model-{kind()}.bin")',
        'save("model-{}.bin".format(kind()))',
        'save("model-%s.bin" % kind())',
        'save("model-" + kind())',
        'save(str(kind()) + ".bin")',
        "save(kind()[0])",
        "save(kind().upper())",
        "save('a' * int(score()))",
        "float(score())",
        "round(score())",
        "score() + 1",
        "-score()",
        "len(kind())",
        "for letter in kind(): save(letter)",
        "first, second = kind()",
        "{kind(): 1}[kind()]",
        "max(score(), 0.4)",
        "sorted([score(), score()])",
        "print('%.2f' % score())",
    ],
)
def test_a_handle_that_is_used_as_a_value_is_refused_with_the_users_line(project: Any, use: str) -> None:
    project.write("using.py", HANDLES.format(use=use))
    done = project.plugbay("run", "using.py")
    assert done.code == 2, done
    assert "is known only" in done.err or "not passed on" in done.err, done.err
    assert "using.py:22" in done.err, done.err


FAILING = """
from plugbay import pipeline, step


def inner(number: int) -> int:
    raise ValueError(f"cannot use {number}")


@step
def work(number: int) -> int:
    return inner(number)


@pipeline
def failing() -> None:
    work.map([1, 2])


if __name__ == "__main__":
    failing.run()
"""
WORKERS = """
observers = []

[stacks.default]
orchestrator = { flavor = "local", workers = 2 }
artifact_store = "local"
"""


def test_a_script_whose_step_failed_in_a_worker_shows_the_users_frames(project: Any) -> None:
    project.write("failing.py", FAILING)
    project.write("plugbay.toml", WORKERS)
    done = subprocess.run(
        [sys.executable, "failing.py"],
        cwd=project.directory,
        env=project.environ(),
        capture_output=True,
        text=True,
        timeout=stretched(60),
        check=False,
    )
    assert done.returncode == 1
    assert 'raise ValueError(f"cannot use {number}")' in done.stderr
    assert "in inner" in done.stderr
    for command in (["show", "last", "work.0"], ["logs", "last", "work.0"]):
        shown = project.plugbay(*command)
        assert "in inner" in shown.out + shown.err, shown
    assert "cannot use" in project.plugbay("show", "last").out


SEVERAL = """
from plugbay import pipeline, step


@step
def split() {annotation}:
    return 1, "b"


@step
def use(one: int, two: str) -> str:
    return two * one


@pipeline
def several() -> None:
    one, two = split()
    use(one, two)
"""


def test_several_outputs_without_names_are_told_how_to_name_them(project: Any) -> None:
    project.write("several.py", SEVERAL.format(annotation=""))
    project.plugbay("run", "several.py").assert_error("several.py:17", "tuple[")


def test_a_plain_tuple_of_types_is_several_outputs(project: Any) -> None:
    project.write("several.py", SEVERAL.format(annotation="-> tuple[int, str]"))
    done = project.plugbay("run", "several.py", "--json")
    assert done.code == 0, done
    assert [output["name"] for output in done.json["steps"][0]["outputs"]] == ["output_0", "output_1"]


PLUGIN = """
from plugbay_hookspecs import component, hookimpl


def deep(step):
    raise RuntimeError(f"no room for {step.step}")


@component
class Entering:
    @hookimpl
    def step_enter(self, step):
        deep(step)
"""


def test_a_plugin_that_raises_as_a_step_begins_is_shown_with_its_own_frames(project: Any) -> None:
    project.write("entering.py", PLUGIN)
    project.write("plugbay.toml", WORKERS.replace("observers = []", 'observers = ["./entering.py:Entering"]'))
    done = project.plugbay("run", "pipeline.py:flights")
    assert done.code == 1, done
    assert "entering.py" in done.err
    assert "in deep" in done.err
    assert "no room for load" in done.err


def test_an_extension_and_a_format_that_do_not_fit_are_told(project: Any) -> None:
    project.run()
    done = project.plugbay("artifacts", "get", "last", "train", "model", "-o", "model.png")
    done.assert_error("model.png", ".json")
    assert not os.path.exists(project.directory / "model.png")
