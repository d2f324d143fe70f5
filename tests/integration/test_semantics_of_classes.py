"""The code behind the values that a step is given counts: a generated family of programs, each with one thing that changes."""

from __future__ import annotations

import importlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugbay import Run, Stack

HEAD = """
import dataclasses, enum, functools, typing
from pathlib import Path
import attrs
from plugbay import pipeline, step

"""
MADE = {
    "a dataclass": "@dataclasses.dataclass(frozen=True)\nclass Given({base}):\n    a: int = 1\n",
    "an attrs class": "@attrs.frozen\nclass Given({base}):\n    a: int = 1\n",
    "a named tuple": "class Given(typing.NamedTuple):\n    a: int = 1\n",
    "an enum": "class Given({base}enum.Enum):\n    A = 1\n    a = property(lambda self: self.value)\n",
    "a plain class": "class Given({base}):\n    a = 1\n    def __init__(self): self.b = 2\n",
    "a class with slots": "class Given({base}):\n    __slots__ = ('a',)\n    def __init__(self): self.a = 1\n",
    "a kind of list": "class Given(list):\n    a = 1\n",
    "an exception": "class Given({base}Exception):\n    a = 1\n",
}
"""How the class is made that a step is given an instance of. ``{base}`` is where a class it is derived from is named."""
INSTANCE = {"an enum": "Given.A"}
ARGUMENTS = {"a dataclass", "an attrs class", "a named tuple", "an enum"}
"""Those whose instances may be arguments."""
DERIVED = set(MADE) - {"a named tuple", "a kind of list"}
"""Those that can have a class between."""
CHANGES = {
    "a method": ("    def told(self): return self.a * @@\n", "told()"),
    "a property": ("    @property\n    def told(self): return self.a * @@\n", "told"),
    "a static method": ("    @staticmethod\n    def told(): return @@\n", "told()"),
    "a class method": ("    @classmethod\n    def told(cls): return @@\n", "told()"),
    "a function that a method calls": ("    def told(self): return _told()\n", "told()"),
    "a constant that a method reads": ("    def told(self): return NUMBER\n", "told()"),
    "an operator": ("    def __matmul__(self, other): return @@\n", "__matmul__(1)"),
    "a method of a class it is derived from": ("    pass\n", "inherited()"),
    "a method of a class of a class it is derived from": ("    pass\n", "handed_down()"),
}
"""What changes, and how a step sees it."""
BESIDE = """
NUMBER = @@
def _told(): return @@
class Oldest:
    __slots__ = ()
    def handed_down(self): return @@
class Base(Oldest):
    __slots__ = ()
    def inherited(self): return @@

"""
PLACES = {
    "itself": ("{}", "given"),
    "in a list": ("[0, {}]", "given[1]"),
    "in a dict": ("{{'x': {}}}", "given['x']"),
    "in a tuple of a dict with other keys": ("{{1: (2, {})}}", "given[1][1]"),
    "in an object": ("Holder({})", "given.held"),
}
HOLDER = "\n@dataclasses.dataclass(frozen=True)\nclass Holder:\n    held: typing.Any\n\n"
FLOWS = {
    "an argument": """
@pipeline
def p():
    f({value})
""",
    "an output": """
@step
def make():
    return {value}

@pipeline
def p():
    f(make())
""",
    "an output in a list": """
@step
def make():
    return {value}

@step
def g(every):
    given, = every
    return str({seen})

@pipeline
def p():
    g([make()])
""",
    "an element of a mapped output": """
@step
def make():
    return [{value}]

@pipeline
def p():
    f.map(make())
""",
}
STEP = """
@step
def f(given):
    return str({seen})
"""


def programs() -> Iterator[object]:
    """Each kind of class with each change, and each way to hand it over and each place with some of them."""
    ways = itertools.cycle(itertools.product(FLOWS, PLACES))
    for made, change in itertools.product(MADE, CHANGES):
        if made not in DERIVED and "derived" in change:
            continue
        flow, place = next(ways)
        if flow == "an argument" and made not in ARGUMENTS:
            flow = "an output"
        value, seen = PLACES[place]
        value, seen = value.format(INSTANCE.get(made, "Given()")), seen + "." + CHANGES[change][1]
        base = "Base, " if made in ("an enum", "an exception") else "Base"
        text = HEAD + BESIDE + MADE[made].format(base=base) + CHANGES[change][0] + HOLDER
        text += STEP.format(seen=seen) + FLOWS[flow].format(value=value, seen=seen)
        yield pytest.param(text, id=f"{change} of {made}, {flow}, {place}")


FUNCTIONS = {
    "a function": ("_told", "given()"),
    "a part of a function": ("functools.partial(_told)", "given()"),
    "a function in an object": ("Holder({'f': _told})", "given.held['f']()"),
    "a method of an object": ("Base().inherited", "given()"),
    "a class": ("Base", "given().inherited()"),
    "a class in a list": ("[Base]", "given[0]().inherited()"),
}


def functions() -> Iterator[object]:
    for name, (value, seen) in FUNCTIONS.items():
        text = HEAD + BESIDE + HOLDER + STEP.format(seen=seen) + FLOWS["an output"].format(value=value)
        yield pytest.param(text, id=name)


@pytest.fixture
def run(tmp_path: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], tuple[object, str]]]:
    """Run the pipeline ``p`` of a program; gives what its last step returns, and how that ended."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def run(text: str, name: str = "given") -> tuple[object, str]:
        (tmp_path / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        done: Run = importlib.import_module(name).p.run(stack=stack)
        last = done.steps[-1]
        return last.output.load(), last.status

    yield run
    for name in ("given", "other"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("text", [*programs(), *functions()])
def test_a_change_in_the_code_of_what_a_step_is_given_is_noticed(run, text: str) -> None:
    before, after = text.replace("@@", "1"), text.replace("@@", "2")
    assert run(before)[1] == "succeeded"
    assert run(before)[1] == "cached"
    answer, status = run(after)
    assert (str(answer).strip("['] "), status) == ("2", "succeeded")


STRICT = """
@step
def f(given: {hint}):
    assert isinstance(given, Given)
    return f"{{type(given).__module__}} {{turn}}"

turn = "@@"
"""


@pytest.mark.parametrize("made", MADE)
@pytest.mark.parametrize("gone", [False, True], ids=["copied", "renamed"])
def test_a_cached_value_of_a_class_of_another_file_is_computed_anew(run, tmp_path: Path, made: str, gone: bool) -> None:
    value = INSTANCE.get(made, "Given()")
    base = "Base, " if made in ("an enum", "an exception") else "Base"
    text = HEAD + BESIDE + MADE[made].format(base=base) + STRICT.format(hint="Given")
    text += FLOWS["an output"].format(value=value)
    assert run(text.replace("@@", "1")) == ("given 1", "succeeded")
    if gone:
        (tmp_path / "given.py").unlink()
        del sys.modules["given"]
    assert run(text.replace("@@", "2"), "other") == ("other 2", "succeeded")
