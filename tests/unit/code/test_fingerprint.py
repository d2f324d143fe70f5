import importlib
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import pytest

from plugbay.code.fingerprint import class_fingerprint, code_fingerprint
from plugbay.code.project import forget_projects
from plugbay.reference import reference_to

Fingerprint = Callable[..., str]


@pytest.fixture
def fingerprint_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fingerprint]:
    """Write a project of modules anew, import it, and take the fingerprint of ``target`` in its module ``steps``."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.syspath_prepend(str(project))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    names: set[str] = set()

    def forget() -> None:
        for name in list(sys.modules):
            if name.partition(".")[0] in names:
                del sys.modules[name]
        importlib.invalidate_caches()
        forget_projects()

    def take(steps: str, target: str = "target", **modules: str) -> str:
        for name, text in {**modules, "steps": steps}.items():
            path = project.joinpath(*name.split("__")).with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.parent != project:
                path.parent.joinpath("__init__.py").touch()
            path.write_text(dedent(text))
            names.add(name.partition("__")[0])
        forget()
        return code_fingerprint(getattr(importlib.import_module("steps"), target)).digest

    yield take
    forget()


PLAIN = """
def target(x):
    y = x + 1
    return y
"""


@pytest.mark.parametrize(
    "changed",
    [
        "\n\n\n# about it\n" + PLAIN.replace("y = x + 1", "# why\n    y = (x\n        +  1)  # how"),
        PLAIN.replace("    y =", '    """Say what it does."""\n    y ='),
        PLAIN.replace("def target(x)", "def target(x: int) -> int"),
        PLAIN.replace("def target", "from plugbay import step\n@step(retries=3, timeout=5)\ndef target"),
        PLAIN.replace("def target", "from plugbay import step\n@step\ndef target"),
        "UNRELATED = 1\ndef other(): return 2\n" + PLAIN,
    ],
    ids=["comments", "docstring", "annotations", "options", "decorator", "neighbours"],
)
def test_what_cannot_change_the_result_keeps_it(fingerprint_of: Fingerprint, changed: str) -> None:
    assert fingerprint_of(PLAIN) == fingerprint_of(changed)


def test_a_docstring_added_to_a_function_that_returns_nothing_keeps_it(fingerprint_of: Fingerprint) -> None:
    bare = "def target(x):\n    if x: return\n    print(None)\n"
    assert fingerprint_of(bare) == fingerprint_of(bare.replace("    if", '    "Tell."\n    if'))


def test_a_step_option_changed_keeps_it(fingerprint_of: Fingerprint) -> None:
    text = "from plugbay import step\n@step(retries=1)\ndef helper(): return 1\n@step\ndef target(): return helper()\n"
    assert fingerprint_of(text) == fingerprint_of(text.replace("retries=1", "retries=2"))


CHANGES = {
    "body": ("def target(x): return x + 1", "+ 1", "+ 2"),
    "operator": ("def target(x): return x + 1", "+ 1", "- 1"),
    "constant text": ("def target(x): return 'a'", "'a'", "'b'"),
    "type of a constant": ("def target(x): return 1", "1", "True"),
    "helper": ("def helper(): return 1\ndef target(): return helper()", "1", "2"),
    "helper of a helper": ("def b(): return 1\ndef a(): return b()\ndef target(): return a()", "1", "2"),
    "nested function": ("def target():\n    def inner(): return 1\n    return inner()", "1", "2"),
    "helper of a nested function": (
        "def helper(): return 1\ndef target():\n    def inner(): return helper()\n    return inner()",
        "1",
        "2",
    ),
    "lambda": ("def target(): return (lambda: 1)()", "1", "2"),
    "comprehension": ("def target(): return [x * 2 for x in [1]]", "* 2", "* 3"),
    "closure": ("def make(n):\n    def target(): return n\n    return target\ntarget = make(1)", "make(1)", "make(2)"),
    "closure function": (
        "def one(): return 1\ndef make(f):\n    def target(): return f()\n    return target\ntarget = make(one)",
        "return 1",
        "return 2",
    ),
    "default": ("def target(x=1): return x", "x=1", "x=2"),
    "keyword default": ("def target(*, x=1): return x", "x=1", "x=2"),
    "default beside one without a canonical form": ("def target(f=len, x=1): return f, x", "x=1", "x=2"),
    "default function": ("def helper(): return 1\ndef target(f=helper): return f()", "return 1", "return 2"),
    "global constant": ("RATE = 1\ndef target(): return RATE", "= 1", "= 2"),
    "constant from nothing": ("A = 1\nB = None\ndef target(): return A, B", "B = None", "B = 1"),
    "global list": ("RATES = [1, [2]]\ndef target(): return RATES", "[2]", "[3]"),
    "global dict": ("RATES = {'a': {'b': 2}}\ndef target(): return RATES", "2", "3"),
    "global set": ("RATES = {'a', 'b'}\ndef target(): return RATES", "'b'", "'c'"),
    "global array": ("import array\nRATES = array.array('d', [1, 2])\ndef target(): return RATES", "2]", "3]"),
    "global pattern": ("import re\nP = re.compile('a')\ndef target(): return P", "'a'", "'b'"),
    "global of nested parts": ("A, B = [[1], 2], 3\ndef target(): return A, B", "[[1], 2]", "[[1, 2]]"),
    "function in a table": ("def f(): return 1\nT = {'f': f}\ndef target(n): return T[n]()", "return 1", "return 2"),
    "method": ("class C:\n    def m(self): return 1\ndef target(): return C().m()", "1", "2"),
    "static method": ("class C:\n    @staticmethod\n    def m(): return 1\ndef target(): return C.m()", "1", "2"),
    "class method": ("class C:\n    @classmethod\n    def m(cls): return 1\ndef target(): return C.m()", "1", "2"),
    "property": ("class C:\n    @property\n    def m(self): return 1\ndef target(): return C().m", "1", "2"),
    "cached property": (
        "import functools\nclass C:\n    @functools.cached_property\n    def m(self): return 1\ndef target(): return C().m",
        "return 1",
        "return 2",
    ),
    "class attribute": ("class C:\n    n = 1\ndef target(): return C.n", "1", "2"),
    "base class": (
        "class B:\n    def m(self): return 1\nclass C(B): pass\ndef target(): return C().m()",
        "return 1",
        "return 2",
    ),
    "dataclass default": (
        "from dataclasses import dataclass\n@dataclass\nclass C:\n    n: int = 1\ndef target(): return C()",
        "= 1",
        "= 2",
    ),
    "enum member": ("import enum\nclass E(enum.Enum):\n    A = 1\ndef target(): return E.A", "= 1", "= 2"),
    "instance": (
        "class C:\n    def __init__(self, n): self.n = n\nc = C(1)\ndef target(): return c.n",
        "C(1)",
        "C(2)",
    ),
    "bound method of an instance": (
        "class C:\n    def __init__(self, n): self.n = n\n    def m(self): return self.n\nm = C(1).m\ndef target(): return m()",
        "C(1)",
        "C(2)",
    ),
    "partial": (
        "from functools import partial\ndef f(a, b): return a\ng = partial(f, 1)\ndef target(): return g(2)",
        "f, 1",
        "f, 2",
    ),
    "argument of a partial beside one without a canonical form": (
        "from functools import partial\ndef f(a, b): return a\ng = partial(f, len, b=1)\ndef target(): return g()",
        "b=1",
        "b=2",
    ),
    "cached helper": (
        "from functools import cache\n@cache\ndef helper(): return 1\ndef target(): return helper()",
        "return 1",
        "return 2",
    ),
    "wrapped helper": (
        "from functools import wraps\ndef deco(f):\n    @wraps(f)\n    def w(*a): return f(*a)\n    return w\n"
        "@deco\ndef helper(): return 1\ndef target(): return helper()",
        "return 1",
        "return 2",
    ),
    "step that is called as a function": (
        "from plugbay import step\n@step\ndef helper(): return 1\n@step\ndef target(): return helper()",
        "return 1",
        "return 2",
    ),
}


@pytest.mark.parametrize(("text", "old", "new"), CHANGES.values(), ids=CHANGES)
def test_what_can_change_the_result_changes_it(fingerprint_of: Fingerprint, text: str, old: str, new: str) -> None:
    assert text.count(old) == 1
    assert fingerprint_of(text) != fingerprint_of(text.replace(old, new))


IMPORTS = {
    "a name": "from other import helper\ndef target(): return helper()",
    "the module": "import other\ndef target(): return other.helper()",
    "the module, looked up late": "import other\ndef target(): return getattr(other, 'helper')()",
    "when it is called": "def target():\n    import other\n    return other.helper()",
    "a name when it is called": "def target():\n    from other import helper\n    return helper()",
    "through another module": "import middle\ndef target(): return middle.call()",
}


@pytest.mark.parametrize("text", IMPORTS.values(), ids=IMPORTS)
def test_a_change_in_another_module_of_the_project_changes_it(fingerprint_of: Fingerprint, text: str) -> None:
    middle = "def call():\n    import other\n    return other.helper()\n"
    before = fingerprint_of(text, other="def helper(): return 1", middle=middle)
    assert fingerprint_of(text, other="# a comment\ndef helper(): return 1", middle=middle) == before
    assert fingerprint_of(text, other="def helper(): return 2", middle=middle) != before


@pytest.mark.parametrize(
    "text",
    [
        "import pack.other\ndef target(): return pack.other.helper()",
        "from pack import other\ndef target(): return other.helper()",
        "def target():\n    import pack.other\n    return pack.other.helper()",
        "def target():\n    from pack import other\n    return other.helper()",
        "from pack.user import use as target",
    ],
)
def test_a_change_in_a_package_of_the_project_changes_it(fingerprint_of: Fingerprint, text: str) -> None:
    user = "def use():\n    from .other import helper\n    from . import third\n    return helper()\n"
    modules = {"pack__user": user, "pack__third": "N = 1\n"}
    before = fingerprint_of(text, pack__other="def helper(): return 1", **modules)
    assert fingerprint_of(text, pack__other="'''About it.'''\ndef helper(): return 1", **modules) == before
    assert fingerprint_of(text, pack__other="def helper(): return 2", **modules) != before


def test_a_module_taken_from_the_own_package_when_called_counts(fingerprint_of: Fingerprint) -> None:
    text = "from pack.user import use as target"
    user = "def use():\n    from . import third\n    return third.N\n"
    assert fingerprint_of(text, pack__user=user, pack__third="N = 1") != fingerprint_of(
        text, pack__user=user, pack__third="N = 2"
    )


def test_library_code_does_not_count(
    fingerprint_of: Fingerprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "site-packages"
    library.mkdir()
    monkeypatch.syspath_prepend(str(library))
    taken = set()
    for number in (1, 2):
        (library / "biblio.py").write_text(f"def helper(): return {number}\nclass Base:\n    n = {number}\n")
        sys.modules.pop("biblio", None)
        taken.add(
            fingerprint_of(
                "import biblio\nfrom biblio import helper\nclass C(biblio.Base): pass\n"
                "def target():\n    import biblio as b\n    return helper(), biblio.helper(), b.helper(), C()\n"
            )
        )
    del sys.modules["biblio"]
    assert len(taken) == 1


def test_no_installed_package_is_imported_for_it(
    fingerprint_of: Fingerprint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "heavy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "part.py").touch()
    monkeypatch.syspath_prepend(str(package.parent))
    assert fingerprint_of("def target():\n    from heavy.part import thing\n    import heavy.part\n    return thing\n")
    assert "heavy" not in sys.modules


def test_pickling_an_instance_keeps_it(fingerprint_of: Fingerprint) -> None:
    before = fingerprint_of("class C: pass\ndef target(): return C()")
    steps = sys.modules["steps"]
    pickle.dumps(steps.target())
    assert code_fingerprint(steps.target).digest == before


def test_recursion_ends(fingerprint_of: Fingerprint) -> None:
    mutual = "def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)\n"
    text = mutual + "LOOP = []\nLOOP.append(LOOP)\ndef target(n): return target(n) if n else (even(n), LOOP)\n"
    assert fingerprint_of(text) != fingerprint_of(text.replace("n != 0", "n > 0"))


def test_it_works_without_source() -> None:
    taken = set()
    for number in (1, 2):
        for namespace in ({}, {"__name__": "nowhere"}, {"__name__": "__main__"}):
            scope: dict[str, Any] = dict(namespace)
            exec(f"def helper(): return {number}\ndef target(): return helper()", scope)
            taken.add((number, code_fingerprint(scope["target"]).digest))
    assert len({value for _, value in taken}) == 2
    assert len(taken) == 2


def test_processes_with_different_hash_seeds_agree(tmp_path: Path) -> None:
    text = """
    import enum, re
    from dataclasses import dataclass

    WORDS = {"a", "bb", "ccc", "dddd", "eeeee"}
    class A: pass
    class B: pass
    KINDS = {A, B, int, str, len}
    TABLE = {"x": frozenset(WORDS), "y": WORDS}
    class Colour(enum.Enum):
        RED = 1
        BLUE = 2
    @dataclass(frozen=True)
    class Row:
        key: str = "k"
    ROWS = {Row("1"), Row("2"), Row("3")}

    def target(x):
        return x in {"p", "q", "r", "s"}, WORDS, KINDS, TABLE, Colour.RED, ROWS, re.compile("a")
    """
    (tmp_path / "steps.py").write_text(dedent(text))
    script = "import steps, json; from plugbay.code.fingerprint import code_fingerprint as f; print(json.dumps(f(steps.target).digest))"
    taken = set()
    for seed in ("0", "1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path)}
        done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
        taken.add(json.loads(done.stdout))
    assert len(taken) == 1


def test_a_script_and_its_import_agree(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(
        dedent("""
        from plugbay.code.fingerprint import code_fingerprint
        RATE = 1
        class C:
            def m(self): return RATE
        def target(): return C().m()
        if __name__ == "__main__":
            import script
            print(code_fingerprint(target).digest == code_fingerprint(script.target).digest)
        """)
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_class_of_functions_whose_module_is_a_descriptor_is_told_apart_too() -> None:
    """As the class of functions that Cython has compiled, which pickles of frames name."""

    class Function:
        __module__ = property(lambda self: "library")  # type: ignore[assignment]
        __globals__ = property(lambda self: {})

    assert reference_to(Function) is None
    assert class_fingerprint(Function).digest
    assert class_fingerprint(type(np.random.default_rng)).unknown == ()
