"""Notebooks, prompts, ``python -c`` and scripts on standard input: what they define has no file to be imported from."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CLASSES = {
    "dataclass": "@dataclass\nclass Settings:\n    a: int\n",
    "slots": "@dataclass(slots=True, frozen=True)\nclass Settings:\n    a: int\n",
    "attrs": "@attrs.define\nclass Settings:\n    a: int\n",
    "namedtuple": "class Settings(typing.NamedTuple):\n    a: int\n",
    "enum": "class Settings(enum.Enum):\n    ONE = 1\n    @property\n    def a(self): return self.value\n",
    "flag": "class Settings(enum.Flag):\n    ONE = 1\n    @property\n    def a(self): return self.value\n",
}
HEAD = """
import attrs, enum, typing
from dataclasses import dataclass
from plugbay import pipeline, step
"""
STEPS = """
@step
def made() -> Settings:
    return Settings(1)

@step
def f(settings: Settings) -> int:
    return settings.a

@pipeline
def p():
    f(Settings(1))
    f(made())
    f.map([Settings(1), made()])

@pipeline
def of(settings: Settings):
    f(settings)
"""
RUN = """
run = p.run()
print(run['f'].output.load(), run['f_2'].output.load(), type(run['made'].output.load()) is Settings)
print(of.run(settings=Settings(1))['f'].output.load())
"""
EXPECTED = ["1 1 True", "1"]


def by_cells(*cells: str) -> list[str]:
    """Each cell is compiled on its own and run in the module ``__main__``, which has no file."""
    text = "import sys\nscope = sys.modules['__main__'].__dict__\nscope.pop('__file__', None)\n"
    text += "".join(f"exec(compile({cell!r}, '<cell>', 'exec'), scope)\n" for cell in cells)
    return said([sys.executable, "-c", text])


def by_command(*cells: str) -> list[str]:
    return said([sys.executable, "-c", "".join(cells)])


def by_standard_input(*cells: str) -> list[str]:
    return said([sys.executable, "-"], "".join(cells))


def by_prompt(*cells: str) -> list[str]:
    lines = [line for cell in cells for line in (f"exec(compile({cell!r}, '<stdin>', 'exec'), globals())",)]
    return said([sys.executable, "-i", "-q"], "\n".join(lines) + "\n")


WAYS = [by_cells, by_command, by_standard_input, by_prompt]


def said(command: list[str], standard_input: str = "") -> list[str]:
    done = subprocess.run(command, input=standard_input, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "Error" not in done.stderr, done.stderr
    return done.stdout.strip().splitlines()


@pytest.mark.parametrize("way", WAYS)
def test_a_class_of_the_session_is_an_argument_an_output_and_an_input(tmp_path: Path, way: object) -> None:
    assert callable(way)
    assert way(HEAD, CLASSES["dataclass"], STEPS, RUN) == EXPECTED


@pytest.mark.parametrize("kind", CLASSES)
def test_a_class_of_any_kind_is(kind: str) -> None:
    assert by_cells(HEAD, CLASSES[kind], STEPS, RUN) == EXPECTED


@pytest.mark.parametrize("kind", CLASSES)
@pytest.mark.parametrize("again", ["class", "class and value", "steps", "pipeline"])
def test_a_cell_that_is_run_again_changes_nothing(kind: str, again: str) -> None:
    cells = {
        "class": [CLASSES[kind]],
        "class and value": ["old = Settings(1)\n", CLASSES[kind], "print(of.run(settings=old)['f'].output.load())\n"],
        "steps": [STEPS],
        "pipeline": [CLASSES[kind], STEPS[STEPS.index("@pipeline") :]],
    }[again]
    lines = by_cells(HEAD, CLASSES[kind], STEPS, RUN, *cells, RUN)
    assert lines == [*EXPECTED, *(["1"] if again == "class and value" else []), *EXPECTED]


def test_a_class_that_is_no_plain_value_may_be_defined_again_too() -> None:
    plain = "class Settings:\n    a = 1\n    def __init__(self, a): self.a = a\n"
    steps = STEPS.replace("    f(Settings(1))\n", "").replace("Settings(1), made()", "made()")
    run = "print(p.run(cache=False)['f'].output.load())\n"
    assert by_cells(HEAD, plain, steps, run, plain, run) == ["1", "1"]


def test_a_class_inside_a_function_is_refused_with_the_remedy() -> None:
    cells = [
        HEAD,
        "def make():\n    @dataclass\n    class Settings:\n        a: int\n    return Settings\nSettings = make()\n",
        STEPS,
        "try:\n    p.run()\nexcept Exception as error:\n    print('told' if 'define the class at the top level' in str(error) else error)\n",
    ]
    assert by_cells(*cells) == ["told"]
