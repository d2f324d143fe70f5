# ruff: noqa: E501  a row is one program in one line
"""What the answer of a program depends on changes its fingerprint, and what it does not depend on leaves it alone.

Each row is a program with two contents. Processes with different hash seeds import and run all of them: a row of ``REACHED`` has
to give two answers and two fingerprints, a row of ``OUT_OF_REACH`` one answer and one fingerprint.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from programs import take
from sharing import made_once

Row = tuple[str, str, Any, Any]
"""Statements with a place marked by ``<>``, what the function returns, and the two things that stand there."""

_OBJECT = "class K:\n    def __init__(self, n): self.n = n\nKEEP = K(<>)\n"
REACHED: dict[str, Row] = {
    "weak reference": (f"import weakref\n{_OBJECT}REF = weakref.ref(KEEP)", "REF().n", 2, 3),
    "weak proxy": (f"import weakref\n{_OBJECT}REF = weakref.proxy(KEEP)", "REF.n", 2, 3),
    "weak method": (
        "import weakref\nclass K:\n    def m(self): return <>\nKEEP = K()\nREF = weakref.WeakMethod(KEEP.m)",
        "REF()()",
        2,
        3,
    ),
    "thread local": ("import threading\nL = threading.local()\nL.n = <>", "L.n", 2, 3),
    "class of a thread local": (
        "import threading\nclass L(threading.local):\n    n = <>\nLOCAL = L()",
        "LOCAL.n",
        2,
        3,
    ),
    "formatter": ("import logging\nF = logging.Formatter('<> %(message)s')", "F._fmt", 2, 3),
    "logger adapter": (
        "import logging\nF = logging.LoggerAdapter(logging.getLogger('x'), {'a': <>})",
        "F.extra['a']",
        2,
        3,
    ),
    "logging filter": (
        "import logging\nclass F(logging.Filter):\n    def __init__(self, n): super().__init__(); self.n = n\nF = F(<>)",
        "F.n",
        2,
        3,
    ),
    "context variable that is set": (
        "import contextvars\nV = contextvars.ContextVar('v')\nV.set(<>)",
        "V.get()",
        2,
        3,
    ),
    "event": ("import threading\nE = threading.Event()\nif <>: E.set()", "E.is_set()", 0, 1),
    "semaphore": ("import threading\nE = threading.Semaphore(<>)", "E._value", 2, 3),
    "barrier": ("import threading\nE = threading.Barrier(<>)", "E.parties", 2, 3),
    "executor": ("import concurrent.futures as cf\nE = cf.ThreadPoolExecutor(<>)", "E._max_workers", 2, 3),
    "initializer of an executor": (
        "import concurrent.futures as cf\ndef init(): return <>\nE = cf.ThreadPoolExecutor(1, initializer=init)",
        "E._initializer()",
        2,
        3,
    ),
    "view of the keys": ("V = {'<>': 1}.keys()", "list(V)", 2, 3),
    "view of the values": ("V = {1: <>}.values()", "list(V)", 2, 3),
    "view of the items": ("V = {1: <>}.items()", "list(V)", 2, 3),
    "sort key": (
        "import functools\ndef c(a, b): return <> * (a - b)\nKEY = functools.cmp_to_key(c)",
        "sorted([1, 2], key=KEY)",
        1,
        -1,
    ),
    "attribute of an enum member": ("import enum\nclass E(enum.Enum):\n    A = 1\nE.A.w = <>", "E.A.w", 2, 3),
    "attribute that __new__ of an enum sets": (
        "import enum\nclass E(enum.Enum):\n    A = (1, <>)\n    def __new__(cls, v, w):\n        o = object.__new__(cls); o._value_ = v; o.w = w; return o",
        "E.A.w",
        2,
        3,
    ),
    "class made by a library": (
        "import dataclasses\nK = dataclasses.make_dataclass('K', [('a', int, <>)])",
        "K().a",
        2,
        3,
    ),
    "virtual subclass": (
        "import abc\nclass A(abc.ABC): pass\nclass B: pass\nclass C: pass\nA.register(<>)",
        "isinstance(B(), A)",
        "B",
        "C",
    ),
    "virtual subclass of a library's class": (
        "import collections.abc\nclass B: pass\nclass C: pass\ncollections.abc.Sized.register(<>)",
        "isinstance(B(), collections.abc.Sized)",
        "B",
        "C",
    ),
    "function put into a library": (
        "import textwrap\ndef mine(*a): return <>\ntextwrap.mine = mine",
        "textwrap.mine()",
        2,
        3,
    ),
    "function put into the builtins": (
        "import builtins\nbuiltins.put_there = lambda: <>",
        "put_there()",
        2,
        3,
    ),
    "constant put into the builtins": ("import builtins\nbuiltins.also_put_there = <>", "also_put_there", 2, 3),
    "docstring that is read": ("def h():\n    'prompt <>'", "h.__doc__", 2, 3),
    "docstring of a class that is read": ("class K:\n    'prompt <>'", "K.__doc__", 2, 3),
    "docstring that inspect reads": ("import inspect\nclass K:\n    'prompt <>'", "inspect.getdoc(K)", 2, 3),
    "name that is read": ("def h<>(): pass\nh = h<>", "h.__name__", 2, 3),
    "source that is read": ("import inspect\ndef h():\n    return 1  # <>", "inspect.getsource(h)", 2, 3),
    "annotation read by its name": (
        "def h(a: <>): pass",
        "str(getattr(h, '__annotations__'))",
        "int",
        "str",
    ),
    "decimal context": (
        "import decimal\ndecimal.getcontext().prec = <>",
        "str(decimal.getcontext().prec)",
        5,
        6,
    ),
    "accessor of pandas": (
        "import pandas as pd\n@pd.api.extensions.register_series_accessor('own')\nclass Own:\n    def __init__(self, s): self.s = s\n    def n(self): return <>",
        "pd.Series([1]).own.n()",
        2,
        3,
    ),
    "namespace of polars": (
        "import polars as pl\nfrom polars.api import register_series_namespace\n@register_series_namespace('own')\nclass Own:\n    def __init__(self, s): self.s = s\n    def n(self): return helper()\ndef helper(): return <>",
        "pl.Series([1]).own.n()",
        2,
        3,
    ),
    "name of an accessor": (
        "import pandas as pd\n@pd.api.extensions.register_series_accessor('<>')\nclass Own:\n    def __init__(self, s): pass",
        "(hasattr(pd.Series([1]), 'a'), hasattr(pd.Series([1]), 'b'))",
        "a",
        "b",
    ),
    "seed set by a function": (
        "import random\ndef seed_all(): again()\ndef again(): random.seed(<>)\nseed_all()",
        "random.random()",
        2,
        3,
    ),
    "seed": ("import random\nrandom.seed(<>)", "random.random()", 2, 3),
    "seed of a constant": (
        "from random import random, seed\nSEED = <>\nif SEED:\n    seed(SEED)",
        "random()",
        2,
        3,
    ),
    "environment variable that is set": ("import os\nos.environ['SET_HERE'] = '<>'", "os.environ['SET_HERE']", 2, 3),
    "error handler of a codec": (
        "import codecs\ndef h(e): return ('<>', e.end)\ncodecs.register_error('of_this_test', h)",
        "chr(228).encode('ascii', 'of_this_test').decode()",
        2,
        3,
    ),
    "environment read by a module": (
        "",
        "__import__('importlib').import_module('reads_environment').VALUE",
        0,
        1,
    ),
    "file read by a module": ("", "__import__('importlib').import_module('reads_file').VALUE", 0, 1),
    "module by a name in a constant": (
        "import importlib\nTABLE = {'a': ['package.part:h']}",
        "importlib.import_module(TABLE['a'][0].split(':')[0]).h()",
        0,
        1,
    ),
    "module by the beginning of its name": (
        "import importlib",
        "[importlib.import_module(f'package.{name}').h() for name in ('part',)]",
        0,
        1,
    ),
    "module by a relative name": ("import package", "package.by_relative_name()", 0, 1),
    "attribute of a package that finds its modules late": ("import package", "package.h()", 0, 1),
    "module that is run": ("import runpy", "runpy.run_module('package.part')['VALUE']", 0, 1),
}
OUT_OF_REACH: dict[str, Row] = {
    "another function": ("def other(): return <>", "1", 2, 3),
    "another class": ("class A:\n    z = <>\nclass B:\n    z = 1", "B.z", 2, 3),
    "docstring that nothing reads": ("def h():\n    '<>'\n    return 1", "h()", 2, 3),
    "name of a function that is not reached": ("def other<>(): pass\ndef h(): return 1", "h(), h.__name__", 2, 3),
    "logging": ("import logging\nlogging.getLogger('a').setLevel(<>)", "1", 10, 20),
    "warnings": ("import warnings\nwarnings.filterwarnings('ignore', 'a<>')", "1", 2, 3),
    "output": ("print('<>')", "1", 2, 3),
    "main program that seeds nothing": ("def main():\n    made = dict(a=<>)\n    made.update(b=1)\nmain()", "1", 2, 3),
    "seed in a function that is not called": (
        "import random\ndef seed_all(): random.seed(<>)\nrandom.seed(1)",
        "random.random()",
        2,
        3,
    ),
    "parser that is not reached": (
        "import argparse\nP = argparse.ArgumentParser()\nP.add_argument('-x', default=<>)",
        "1",
        2,
        3,
    ),
    "main guard": ("import decimal\nif __name__ == '__main__':\n    decimal.getcontext().prec = <>", "1", 2, 3),
}
PACKAGE = {
    "package/__init__.py": (
        "import importlib\n_PARTS = {'h': '.part'}\n"
        "def __getattr__(name): return getattr(importlib.import_module(_PARTS[name], __name__), name)\n"
        "def by_relative_name(): return importlib.import_module('.part', __package__).h()\n"
    ),
    "package/part.py": "VALUE = <>\ndef h(): return VALUE\n",
    "reads_environment.py": "import os\nVALUE = os.environ['WHICH_CONTENT']\n",
    "reads_file.py": "from pathlib import Path\nVALUE = Path(__file__).with_name('settings.txt').read_text()\n",
    "settings.txt": "<>",
}


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What each row gives: the first content with two hash seeds, then the second one."""

    def make(directory: Path) -> None:
        (directory / "taken.json").write_text(json.dumps(take_all(directory)), encoding="utf-8")

    made = made_once(tmp_path_factory, "programs", make)
    found: dict[str, list[Any]] = json.loads((made / "taken.json").read_text(encoding="utf-8"))
    return found


def take_all(directory: Path) -> dict[str, list[Any]]:
    every = {**REACHED, **OUT_OF_REACH}
    found: dict[str, list[Any]] = {name: [] for name in every}
    project = directory / "project"
    (project / "package").mkdir(parents=True)
    for which, seed in ((0, "0"), (0, "77"), (1, "0")):
        texts: dict[str, str] = {}
        for number, (setup, expression, *contents) in enumerate(every.values()):
            text = f"{setup}\ndef target(): return {expression}\n"
            texts[f"row{number}"] = text.replace("<>", str(contents[which]))
        for name, text in PACKAGE.items():
            (project / name).write_text(text.replace("<>", str(which)), encoding="utf-8")
        taken = take(project, texts, seed, WHICH_CONTENT=str(which))
        for name, value in zip(every, taken.values(), strict=True):
            found[name].append(value)
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", REACHED)
def test_what_the_answer_depends_on_changes_the_fingerprint(name: str, taken: dict[str, list[Any]]) -> None:
    (before, unknown, first), (again, *_), (after, _, second) = taken[name]
    assert unknown == []
    assert before == again
    assert first != second
    assert before != after


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", OUT_OF_REACH)
def test_what_the_answer_does_not_depend_on_keeps_the_fingerprint(name: str, taken: dict[str, list[Any]]) -> None:
    (before, unknown, first), (again, *_), (after, _, second) = taken[name]
    assert unknown == []
    assert first == second
    assert before == again == after
