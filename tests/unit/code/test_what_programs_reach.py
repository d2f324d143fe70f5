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
    "cached property computed while the module is imported": (
        "import functools\nN = <>\nclass K:\n    @functools.cached_property\n    def p(self): return N\nKEEP = K()\nKEEP.p\nN = 0",
        "KEEP.p",
        2,
        3,
    ),
    "cached property that is set": (
        "import functools\nclass K:\n    @functools.cached_property\n    def p(self): return 1\nKEEP = K()\nKEEP.p = <>",
        "KEEP.p",
        2,
        3,
    ),
    "cause of an exception": ("E = ValueError('a')\nE.__cause__ = KeyError(<>)", "E.__cause__.args", 2, 3),
    "context of an exception": (
        "def make():\n    try:\n        try: raise KeyError(<>)\n        except KeyError: raise ValueError('a')\n    except ValueError as error: return error\nE = make()",
        "E.__context__.args",
        2,
        3,
    ),
    "context of an exception that is not shown": (
        "E = ValueError('a')\nE.__suppress_context__ = <>",
        "E.__suppress_context__",
        True,
        False,
    ),
    "note of an exception": ("E = ValueError('a')\nE.add_note('<>')", "E.__notes__", 2, 3),
    "note of the cause of an exception": (
        "E = ValueError('a')\nE.__cause__ = KeyError()\nE.__cause__.add_note('<>')",
        "E.__cause__.__notes__",
        2,
        3,
    ),
    "member of an exception group": ("E = ExceptionGroup('a', [ValueError(<>)])", "E.exceptions[0].args", 2, 3),
    "cause of a member of an exception group": (
        "M = ValueError()\nM.__cause__ = KeyError(<>)\nE = ExceptionGroup('a', [M])\nM = None",
        "E.exceptions[0].__cause__.args",
        2,
        3,
    ),
    "attribute of an exception": ("class X(Exception):\n    pass\nE = X()\nE.n = <>", "E.n", 2, 3),
    "name of a module that is missing": ("E = ImportError('a', name='<>')", "E.name", 2, 3),
    "object of an attribute error": ("E = AttributeError('a', name='<>', obj=3)", "E.name", 2, 3),
    "value of StopIteration": ("E = StopIteration(<>)", "E.value", 2, 3),
    "errno of an OSError": ("E = OSError(<>, 'a', 'b')", "E.errno", 2, 3),
    "file of an OSError": ("E = OSError(2, 'a', 'b<>')", "E.filename", 2, 3),
    "text of a slot": ("class K:\n    __slots__ = {'a': 'prompt <>'}", "K.__slots__['a']", 2, 3),
    "text of a slot that inspect reads": (
        "import inspect\nclass K:\n    __slots__ = {'a': 'prompt <>'}",
        "inspect.getdoc(K.a)",
        2,
        3,
    ),
    "text of a slot of a base class": (
        "import inspect\nclass B:\n    __slots__ = {'a': 'prompt <>'}\nclass K(B):\n    __slots__ = ()",
        "inspect.getdoc(K.a)",
        2,
        3,
    ),
    "doc of a property": ("class K:\n    @property\n    def a(self):\n        'prompt <>'", "K.a.__doc__", 2, 3),
    "doc given to a property": ("class K:\n    a = property(lambda self: 1, doc='prompt <>')", "K.a.__doc__", 2, 3),
    "doc of a function in a partial": (
        "import functools\ndef h():\n    'prompt <>'\nP = functools.partial(h)",
        "P.func.__doc__",
        2,
        3,
    ),
    "doc set on a function": ("def h(): pass\nh.__doc__ = 'prompt <>'", "h.__doc__", 2, 3),
    "doc of an instance": ("class K: pass\nI = K()\nI.__doc__ = 'prompt <>'", "I.__doc__", 2, 3),
    "doc of the module": ("__doc__ = 'prompt <>'", "__doc__", 2, 3),
    "one list twice": ("A = [1]\nC = [A, <>]", "[C[0].append(2), C[1]][1]", "A", "[1]"),
    "one list twice in a dict": ("A = [1]\nC = {'a': A, 'b': <>}", "[C['a'].append(2), C['b']][1]", "A", "[1]"),
    "one dict twice": ("A = {'a': 1}\nC = [A, <>]", "[C[0].update(a=2), C[1]][1]", "A", "{'a': 1}"),
    "one set twice": ("A = {1}\nC = [A, <>]", "[C[0].add(2), C[1]][1]", "A", "{1}"),
    "one list twice, in tuples": ("A = [1]\nC = ((A,), (<>,))", "[C[0][0].append(2), C[1]][1]", "A", "[1]"),
    "one list in two constants": ("A = [1]\nC = [A]\nD = [<>]", "[C[0].append(2), D][1]", "A", "[1]"),
    "one list by itself and in a constant": ("A = [1]\nC = [<>]", "[A.append(2), C][1]", "A", "[1]"),
    "one list in a constant and by itself": ("A = [1]\nC = [<>]", "[C[0].append(2), A][1]", "A", "[1]"),
    "one list in a constant and in an object": (
        "A = [1]\nclass K: pass\nI = K()\nI.a = A\nC = [<>]",
        "[I.a.append(2), C][1]",
        "A",
        "[1]",
    ),
    "one list in a constant and in a default": (
        "A = [1]\ndef h(a=A): a.append(2)\nC = [<>]",
        "[h(), C][1]",
        "A",
        "[1]",
    ),
    "which of two lists is the same": ("A = [1]\nB = [1]\nC = [A, B, <>]", "[C[0].append(2), C[2]][1]", "A", "B"),
    "which of three lists is the same": (
        "A = [1]\nC = [<>]",
        "[C[0].append(2), C[1], C[2]][1]",
        "A, A, [1]",
        "A, [1], A",
    ),
    "a list that holds itself": ("A = [1]\nB = [1]\nA.append(<>)\nB.append(B)", "A[1] is A", "A", "B"),
    "one bytearray twice": ("A = bytearray(b'1')\nC = [A, <>]", "[C[0].append(50), C[1]][1]", "A", "bytearray(b'1')"),
    "value in a context": (
        "import contextvars\nV = contextvars.ContextVar('v')\nV.set(<>)\nC = contextvars.copy_context()\nV.set(0)",
        "C[V]",
        2,
        3,
    ),
    "value in a context that code runs in": (
        "import contextvars\nV = contextvars.ContextVar('v')\ndef h(): return V.get()\nV.set(<>)\nC = contextvars.copy_context()\nV.set(0)",
        "C.run(h)",
        2,
        3,
    ),
    "structure of ctypes": (
        "import ctypes\nclass S(ctypes.Structure):\n    _fields_ = [('a', ctypes.c_int), ('b', ctypes.c_double)]\nX = S(<>, 1.)",
        "X.a",
        2,
        3,
    ),
    "fields of a structure of ctypes": (
        "import ctypes\nclass S(ctypes.Structure):\n    _fields_ = [('a', ctypes.<>)]\nX = S(0)",
        "ctypes.sizeof(X)",
        "c_int",
        "c_double",
    ),
    "method of a structure of ctypes": (
        "import ctypes\nclass S(ctypes.Structure):\n    _fields_ = [('a', ctypes.c_int)]\n    def m(self): return <>\nX = S(0)",
        "X.m()",
        2,
        3,
    ),
    "nested structure of ctypes": (
        "import ctypes\nclass T(ctypes.Structure):\n    _fields_ = [('a', ctypes.c_int)]\nclass S(ctypes.Structure):\n    _fields_ = [('t', T * 2)]\nX = S((T(1), T(<>)))",
        "X.t[1].a",
        2,
        3,
    ),
    "union of ctypes": (
        "import ctypes\nclass S(ctypes.Union):\n    _fields_ = [('a', ctypes.c_int), ('b', ctypes.c_float)]\nX = S(<>)",
        "X.a",
        2,
        3,
    ),
    "array of ctypes": ("import ctypes\nX = (ctypes.c_int * 2)(1, <>)", "X[1]", 2, 3),
    "number of ctypes": ("import ctypes\nX = ctypes.c_int(<>)", "X.value", 2, 3),
    "text of ctypes": ("import ctypes\nX = ctypes.c_char_p(b'<>')", "X.value", 2, 3),
    "text in a structure of ctypes": (
        "import ctypes\nclass S(ctypes.Structure):\n    _fields_ = [('a', ctypes.c_char_p)]\nX = S(b'<>')",
        "X.a",
        2,
        3,
    ),
    "buffer of ctypes": ("import ctypes\nX = ctypes.create_string_buffer(b'<>')", "X.value", 2, 3),
    "pointer of ctypes": ("import ctypes\nX = ctypes.pointer(ctypes.c_int(<>))", "X.contents.value", 2, 3),
    "enum-like class of ctypes": ("import ctypes\nX = ctypes.<>", "ctypes.sizeof(X)", "c_int", "c_double"),
    "count": ("import itertools\nX = itertools.count(<>)", "next(X)", 2, 3),
    "step of a count": ("import itertools\nX = itertools.count(0, <>)", "[next(X), next(X)]", 2, 3),
    "repeat": ("import itertools\nX = itertools.repeat(<>)", "next(X)", 2, 3),
    "how often to repeat": ("import itertools\nX = itertools.repeat(1, <>)", "list(X)", 2, 3),
    "cycle": ("import itertools\nX = itertools.cycle([1, <>])", "[next(X), next(X)]", 2, 3),
    "where a cycle is": (
        "import itertools\nX = itertools.cycle([1, 2, 3])\nfor _ in range(<>): next(X)",
        "[next(X), next(X)]",
        1,
        2,
    ),
    "where a cycle is in its second round": (
        "import itertools\nX = itertools.cycle([1, 2, 3])\nfor _ in range(<>): next(X)",
        "[next(X), next(X)]",
        4,
        5,
    ),
    "chain": ("import itertools\nX = itertools.chain([1], [<>])", "list(X)", 2, 3),
    "islice": ("import itertools\nX = itertools.islice([1, 2, 3, 4], <>)", "list(X)", 2, 3),
    "product": ("import itertools\nX = itertools.product([1], [<>])", "list(X)", 2, 3),
    "permutations": ("import itertools\nX = itertools.permutations([1, <>])", "list(X)", 2, 3),
    "combinations": ("import itertools\nX = itertools.combinations([1, 2, 4, <>], 2)", "list(X)", 2, 3),
    "accumulate": (
        "import itertools\ndef h(a, b): return a * <>\nX = itertools.accumulate([1, 2], h)",
        "list(X)",
        2,
        3,
    ),
    "starmap": ("import itertools\ndef h(a, b): return a * <>\nX = itertools.starmap(h, [(1, 2)])", "list(X)", 2, 3),
    "takewhile": ("import itertools\ndef h(a): return a < <>\nX = itertools.takewhile(h, [1, 2, 3])", "list(X)", 2, 3),
    "compress": ("import itertools\nX = itertools.compress([1, 2], [1, <>])", "list(X)", 0, 1),
    "zip_longest": ("import itertools\nX = itertools.zip_longest([1, 2], [1], fillvalue=<>)", "list(X)", 2, 3),
    "groupby": ("import itertools\nX = itertools.groupby([1, <>])", "[k for k, _ in X]", 2, 3),
    "tee": ("import itertools\nX, Y = itertools.tee([1, <>])", "list(X)", 2, 3),
    "iterator over a list": ("X = iter([1, <>])", "list(X)", 2, 3),
    "map": ("def h(a): return a * <>\nX = map(h, [1])", "list(X)", 2, 3),
    "function in an expression of polars": (
        "import polars as pl\ndef h(a): return a * helper()\ndef helper(): return <>\nX = pl.col('a').map_elements(h, return_dtype=pl.Int64)",
        "pl.DataFrame({'a': [1]}).select(X)['a'].to_list()",
        2,
        3,
    ),
    "batch function in an expression of polars": (
        "import polars as pl\ndef h(a): return a * <>\nX = pl.col('a').map_batches(h, return_dtype=pl.Int64) + 1",
        "pl.DataFrame({'a': [1]}).select(X)['a'].to_list()",
        2,
        3,
    ),
    "lambda in an expression of polars": (
        "import polars as pl\nX = pl.col('a').map_elements(lambda a: a * <>, return_dtype=pl.Int64)",
        "pl.DataFrame({'a': [1]}).select(X)['a'].to_list()",
        2,
        3,
    ),
    "function in a query of polars": (
        "import polars as pl\ndef h(f): return f * <>\nX = pl.LazyFrame({'a': [1]}).map_batches(h)",
        "X.collect()['a'].to_list()",
        2,
        3,
    ),
    "function that folds in an expression of polars": (
        "import polars as pl\ndef h(a, b): return a + b * <>\nX = pl.fold(acc=pl.lit(0), function=h, exprs=pl.all())",
        "pl.DataFrame({'a': [1]}).select(X).to_series().to_list()",
        2,
        3,
    ),
    "plan around a function in an expression of polars": (
        "import polars as pl\ndef h(a): return a * 2\nX = pl.col('a').map_batches(h, return_dtype=pl.Int64) + <>",
        "pl.DataFrame({'a': [1]}).select(X)['a'].to_list()",
        2,
        3,
    ),
    "function of groups in a query of polars": (
        "import polars as pl\ndef h(f): return f * <>\nX = pl.LazyFrame({'a': [1]}).group_by('a').map_groups(h, schema=None)",
        "X.collect()['a'].to_list()",
        2,
        3,
    ),
    "list that holds itself": ("A = [<>]\nA.append(A)", "A[0]", 2, 3),
    "list deep in lists": (
        "A = [<>]\nfor _ in range(600): A = [A]\ndef leaf(a):\n    while isinstance(a, list): a = a[0]\n    return a",
        "leaf(A)",
        2,
        3,
    ),
    "field of a structure of ctypes": (
        "import ctypes\nclass S(ctypes.Structure):\n    _fields_ = [('a', ctypes.c_int), ('b', ctypes.c_<>)]\n",
        "S.b.size",
        "int",
        "double",
    ),
    "function of a library of ctypes": (
        "import ctypes, ctypes.util\nX = ctypes.CDLL(ctypes.util.find_library('m')).<>\nX.restype = ctypes.c_double\nX.argtypes = [ctypes.c_double]",
        "X(-2.)",
        "fabs",
        "cos",
    ),
    "library of ctypes": (
        "import ctypes, ctypes.util\nX = ctypes.CDLL(ctypes.util.find_library('m'))\nX.fabs.restype = ctypes.<>\nX.fabs.argtypes = [ctypes.c_double]",
        "X.fabs(-2.)",
        "c_double",
        "c_int",
    ),
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
    "text of a slot that nothing reads": (
        "class K:\n    __slots__ = {'a': 'prompt <>'}",
        "K().__class__.__name__ == 'K'",
        2,
        3,
    ),
    "traceback of an exception": (
        "def make():\n    # <>\n    try: raise ValueError('a')\n    except ValueError as error: return error\nE = make()",
        "E.args",
        2,
        3,
    ),
    "equal lists that nothing shares": ("A = [<>]\nC = [[1], [1]]", "C", 2, 3),
    "one immutable value twice": ("A = ('a',)\nC = [A, <>]", "C", "A", "('a',)"),
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
