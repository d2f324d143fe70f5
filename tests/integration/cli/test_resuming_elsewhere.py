"""``plugbay run --resume RUN FILE.py:PIPELINE`` runs the code of that file, wherever that of the run has been."""

import shutil

import pytest

FLOW = """
from pathlib import Path

from plugbay import pipeline, step


@step
def load() -> list[int]:
    return [1, 2]


@step
def double(number: int) -> int:
    if number == 2 and not Path("go").exists():
        raise ValueError("not yet")
    return 2 * number


@step(id="sum")
def total(numbers: list[int]) -> int:
    return sum(numbers)


@pipeline
def p():
    total(double.map(load()))
"""
CONFIG = """
observers = []
[stacks.default]
orchestrator = {{ flavor = "local", workers = {workers} }}
artifact_store = "local"
"""
MOVES = {
    "beside": ("one.py", "two.py"),
    "below": ("one.py", "below/one.py"),
    "into a package": ("one.py", "package/two.py"),
    "out of a package": ("package/one.py", "one.py"),
}


@pytest.fixture(params=[1, 2], ids=["inline", "in workers"])
def failed(bare, request):
    """A project that can run a flow which fails, and then let it go on."""
    bare.write("plugbay.toml", CONFIG.format(workers=request.param))

    def run(file):
        bare.write(file, FLOW)
        if "package" in file:
            bare.write("package/__init__.py", "")
        done = bare.plugbay("run", target(file), "--failure", "continue")
        assert done.code == 1, done
        bare.write("go", "")

    bare.failed = run
    return bare


def target(file):
    name = file.removesuffix(".py").replace("/", ".") if file.startswith("package") else file
    return f"{name}:p"


def resumed(project, where, *words):
    return project.plugbay("run", "--resume", "last", where, *words)


def outputs(project):
    return {step["id"]: step["attempts"] for step in project.plugbay("show", "last", "--json").json["steps"]}


def answer(project):
    return project.plugbay("artifacts", "get", "last", "sum", "-o", "-").out.strip()


@pytest.mark.parametrize("kept", [True, False], ids=["copied", "moved"])
@pytest.mark.parametrize("move", MOVES)
def test_the_steps_of_the_file_that_is_named_are_run(failed, move, kept):
    before, after = MOVES[move]
    failed.failed(before)
    changed = FLOW.replace("2 * number", "20 * number").replace("sum(numbers)", "100 + sum(numbers)")
    failed.write(after, changed)
    if "package" in after:
        failed.write("package/__init__.py", "")
    if not kept:
        (failed.directory / before).unlink()
        if "package" in before:
            shutil.rmtree(failed.directory / "package")
    done = resumed(failed, target(after))
    assert done.code == 0, done
    assert "the code of steps still to be run has changed since the run was planned: double, sum" in done.err
    assert answer(failed) == str(100 + 2 + 40)


def test_the_same_code_elsewhere_is_no_reason_for_a_warning(failed):
    failed.failed("one.py")
    (failed.directory / "one.py").rename(failed.directory / "two.py")
    done = resumed(failed, "two.py:p")
    assert (done.code, done.err) == (0, "")
    assert answer(failed) == "6"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("def total", "def all_of_it", None),  # it has an id of its own
        ("double", "twice", "pipeline 'p' has no step 'double', which the run has still to do"),
        ("number: int", "number: int, times: int", "step 'double' now takes times as well"),
        ("-> int:\n    return sum", "-> Annotated[int, 'all']:\n    return sum", "step 'sum' now has the outputs all"),
    ],
)
def test_what_cannot_take_the_place_of_a_step_is_told_before_anything_runs(failed, before, after, expected):
    failed.failed("one.py")
    text = (
        FLOW.replace(before, after).replace("double.map(load())", "double.map(load(), times=2)")
        if "times" in after
        else FLOW.replace(before, after)
    )
    if before == "def total":
        text = text.replace("total(double", "all_of_it(double")
    failed.write("two.py", f"from typing import Annotated\n{text}")
    attempts = outputs(failed)
    done = resumed(failed, "two.py:p")
    if expected is None:
        assert done.code == 0, done
        return
    assert done.code == 2
    assert expected in done.err
    assert "or start a new run: it takes from the cache whatever has not changed" in done.err
    assert "Traceback" not in done.err
    assert outputs(failed) == attempts


def test_a_pipeline_that_cannot_be_wired_gives_its_steps_by_name(failed):
    failed.failed("one.py")
    failed.write(
        "two.py", FLOW.replace("def p():", "def p(further: int):").replace("sum(numbers)", "100 + sum(numbers)")
    )
    done = resumed(failed, "two.py:p")
    assert done.code == 0, done
    assert "the pipeline cannot be compiled today" in done.err
    assert answer(failed) == "106"
