# ruff: noqa: E501  a way is one piece of a program in one line
"""Whatever way leads from a step to a thing of its project, a change of the thing changes the step's fingerprint, and nothing else does.

Programs are generated: a thing that the answer depends on, and one to four ways to it, each of which makes a function of another
one. Every way stands alone in one program, and by chance in many others. Each program is imported with two contents of the thing,
with two contents of what is beside the way, and with two hash seeds.
"""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import pytest

from programs import take
from sharing import made_once

THINGS = {
    "a body": "def {n}(): return <>",
    "a constant": "{n}_c = <>\ndef {n}(): return {n}_c",
    "a constant that is made": "from fractions import Fraction\n{n}_c = Fraction(<>)\ndef {n}(): return {n}_c.numerator",
    "a default": "def {n}(x=<>): return x",
    "a keyword's default": "def {n}(*, x=<>): return x",
    "a captured value": "def {n}_make(x):\n    def inner(): return x\n    return inner\n{n} = {n}_make(<>)",
    "a class attribute": "class {n}_K:\n    a = <>\ndef {n}(): return {n}_K.a",
    "an attribute of an object": "class {n}_K: pass\n{n}_o = {n}_K()\n{n}_o.a = <>\ndef {n}(): return {n}_o.a",
    "an entry of a dict": "{n}_d = {{'a': [<>]}}\ndef {n}(): return {n}_d['a'][0]",
    "an argument of a partial": "import functools\n{n} = functools.partial(int, <>)",
    "a function that is called": "def {n}_inner(): return <>\ndef {n}(): return {n}_inner()",
}
"""Each makes a function ``{n}`` without arguments whose result depends on what stands at ``<>``."""

_HELD = "{n}_h = {made}\ndef {n}(): return {taken}"
_HOLDERS = {
    "a dict": ("{{'f': {i}}}", "{n}_h['f']()"),
    "a list": ("[{i}]", "{n}_h[0]()"),
    "a tuple": ("(1, ({i},))", "{n}_h[1][0]()"),
    "a set": ("{{{i}}}", "next(iter({n}_h))()"),
    "a frozen set": ("frozenset([{i}])", "next(iter({n}_h))()"),
    "a namespace": ("types.SimpleNamespace(f={i})", "{n}_h.f()"),
    "a mapping proxy": ("types.MappingProxyType({{'f': {i}}})", "{n}_h['f']()"),
    "a chain of maps": ("collections.ChainMap({{}}, {{'f': {i}}})", "{n}_h['f']()"),
    "an ordered dict": ("collections.OrderedDict(f={i})", "{n}_h['f']()"),
    "a user's dict": ("collections.UserDict(f={i})", "{n}_h['f']()"),
    "a deque": ("collections.deque([{i}])", "{n}_h[0]()"),
    "a default factory": ("collections.defaultdict({i})", "{n}_h.copy()['a']"),
    "a named tuple": ("collections.namedtuple('T', 'f')({i})", "{n}_h.f()"),
    "a context variable's default": ("contextvars.ContextVar('v', default={i})", "{n}_h.get()()"),
    "a bound method of a library": ("types.MethodType(lambda self: {i}(), 1)", "{n}_h()"),
    "a method caller": ("operator.methodcaller('f')", "{n}_h(types.SimpleNamespace(f={i}))"),
    "an attribute getter": ("operator.attrgetter('f')", "{n}_h(types.SimpleNamespace(f={i}))()"),
    "a vectorized function": ("numpy.vectorize(lambda x: {i}())", "int({n}_h(0))"),
    "a transformer": ("sklearn.preprocessing.FunctionTransformer(lambda x: {i}())", "{n}_h.transform(0)"),
    "a library's curry": ("toolz.curry({i})", "{n}_h()"),
    "a library's composition": ("toolz.compose(int, {i})", "{n}_h()"),
    "a partial of a caller": ("functools.partial(operator.call, {i})", "{n}_h()"),
    "a compiled expression's callback": ("re.compile('x')", "int({n}_h.sub(lambda m: str({i}()), 'x'))"),
    "a generator expression": ("[{i}]", "next(f() for f in {n}_h)"),
    "an iterator of a library": ("[{i}]", "next(map(lambda f: f(), {n}_h))"),
    "a thread of a pool": ("concurrent.futures.ThreadPoolExecutor", "{n}_in_a_pool({n}_h, {i})"),
    "a global by its name": ("1", "globals()['{i}']()"),
}
_HELPERS = {
    "a thread of a pool": "def {n}_in_a_pool(pool, f):\n    with pool(1) as made: return made.submit(f).result()"
}
WAYS = {
    **{
        name: "\n".join([_HELPERS[name]] if name in _HELPERS else [])
        + "\n"
        + _HELD.replace("{made}", made).replace("{taken}", taken)
        for name, (made, taken) in _HOLDERS.items()
    },
    "a call": "def {n}(): return {i}()",
    "a lambda": "{n} = lambda: {i}()",
    "another name": "{n} = {i}",
    "a partial": "{n} = functools.partial({i})",
    "a partial's argument": "def {n}_call(f): return f()\n{n} = functools.partial({n}_call, {i})",
    "a partial's keyword": "def {n}_call(*, f): return f()\n{n} = functools.partial({n}_call, f={i})",
    "a decorator": "def {n}_deco(f):\n    @functools.wraps(f)\n    def inner(): return f()\n    return inner\n@{n}_deco\ndef {n}(): return {i}()",
    "a decorator without wraps": "def {n}_deco(f): return lambda: f()\n{n} = {n}_deco({i})",
    "a closure": "def {n}_make(f):\n    def outer():\n        def inner(): return f()\n        return inner()\n    return outer\n{n} = {n}_make({i})",
    "a default argument": "def {n}(f={i}): return f()",
    "a keyword's default argument": "def {n}(*, f={i}): return f()",
    "a default in a tuple": "def {n}(f=(1, {i})): return f[1]()",
    "a callable object": "class {n}_K:\n    def __init__(self, f): self.f = f\n    def __call__(self): return self.f()\n{n} = {n}_K({i})",
    "a callable object with slots": "class {n}_K:\n    __slots__ = ('f',)\n    def __init__(self, f): self.f = f\n    def __call__(self): return self.f()\n{n} = {n}_K({i})",
    "a method": "class {n}_K:\n    def m(self): return {i}()\n{n} = {n}_K().m",
    "a class method": "class {n}_K:\n    @classmethod\n    def m(cls): return {i}()\n{n} = {n}_K.m",
    "a static method": "class {n}_K:\n    m = staticmethod({i})\n{n} = {n}_K.m",
    "an inherited method": "class {n}_B:\n    def m(self): return {i}()\nclass {n}_K({n}_B): pass\ndef {n}(): return {n}_K().m()",
    "a method of super": "class {n}_B:\n    def m(self): return {i}()\nclass {n}_K({n}_B):\n    def m(self): return super().m()\ndef {n}(): return {n}_K().m()",
    "a property": "class {n}_K:\n    @property\n    def p(self): return {i}()\ndef {n}(): return {n}_K().p",
    "a cached property": "class {n}_K:\n    @functools.cached_property\n    def p(self): return {i}()\ndef {n}(): return {n}_K().p",
    "a descriptor": "class {n}_D:\n    def __init__(self, f): self.f = f\n    def __get__(self, o, t=None): return self.f()\nclass {n}_K:\n    p = {n}_D({i})\ndef {n}(): return {n}_K().p",
    "a method of a metaclass": "class {n}_M(type):\n    def m(cls): return {i}()\nclass {n}_K(metaclass={n}_M): pass\n{n} = {n}_K.m",
    "a partial method": "class {n}_K:\n    def call(self, f): return f()\n    m = functools.partialmethod(call, {i})\ndef {n}(): return {n}_K().m()",
    "a method that is put on": "class {n}_K: pass\n{n}_K.m = lambda self: {i}()\ndef {n}(): return {n}_K().m()",
    "a method by its name": "class {n}_K:\n    m = staticmethod({i})\ndef {n}(): return getattr({n}_K, 'm')()",
    "attributes that are made up": "class {n}_K:\n    def __getattr__(self, name): return {i}()\ndef {n}(): return {n}_K().anything",
    "an addition": "class {n}_K:\n    def __add__(self, other): return {i}()\ndef {n}(): return {n}_K() + 1",
    "an iteration": "class {n}_K:\n    def __iter__(self): return iter([{i}()])\ndef {n}(): return list({n}_K())[0]",
    "an index": "class {n}_K:\n    def __getitem__(self, at): return {i}()\ndef {n}(): return {n}_K()[0]",
    "an index of a class": "class {n}_K:\n    def __class_getitem__(cls, at): return {i}()\ndef {n}(): return {n}_K[0]",
    "a missing key": "class {n}_K(dict):\n    def __missing__(self, at): return {i}()\n{n}_o = {n}_K()\ndef {n}(): return {n}_o[0]",
    "the making of an object": "class {n}_K:\n    def __new__(cls):\n        made = super().__new__(cls)\n        made.a = {i}()\n        return made\ndef {n}(): return {n}_K().a",
    "a subclass of a list": "class {n}_K(list):\n    def m(self): return {i}()\n{n}_o = {n}_K([1])\ndef {n}(): return {n}_o.m()",
    "subclasses": "class {n}_B: pass\nclass {n}_K({n}_B):\n    def m(self): return {i}()\ndef {n}(): return {n}_B.__subclasses__()[0]().m()",
    "a registry of subclasses": "class {n}_B:\n    known = []\n    def __init_subclass__(cls): {n}_B.known.append(cls)\nclass {n}_K({n}_B):\n    def m(self): return {i}()\ndef {n}(): return {n}_B.known[0]().m()",
    "a registry of functions": "{n}_known = {{}}\ndef {n}_register(f):\n    {n}_known['f'] = f\n    return f\n@{n}_register\ndef {n}_f(): return {i}()\ndef {n}(): return {n}_known['f']()",
    "an attribute of a function": "def {n}(): return {n}.f()\n{n}.f = {i}",
    "a cache": "@functools.cache\ndef {n}(): return {i}()",
    "a cache with a limit": "{n} = functools.lru_cache(maxsize=3)(lambda: {i}())",
    "a dispatch": "@functools.singledispatch\ndef {n}_f(x): return 0\n@{n}_f.register\ndef _(x: int): return {i}()\ndef {n}(): return {n}_f(1)",
    "a dispatch of methods": "class {n}_K:\n    @functools.singledispatchmethod\n    def m(self, x): return 0\n    @m.register\n    def _(self, x: int): return {i}()\ndef {n}(): return {n}_K().m(1)",
    "a context manager": "@contextlib.contextmanager\ndef {n}_c(): yield {i}()\ndef {n}():\n    with {n}_c() as found: return found",
    "a context manager's class": "class {n}_K:\n    def __enter__(self): return {i}()\n    def __exit__(self, *e): pass\ndef {n}():\n    with {n}_K() as found: return found",
    "an exit stack": "def {n}():\n    found = []\n    with contextlib.ExitStack() as stack: stack.callback(lambda: found.append({i}()))\n    return found[0]",
    "a generator": "def {n}_g(): yield {i}()\ndef {n}(): return next({n}_g())",
    "a coroutine": "async def {n}_c(): return {i}()\ndef {n}(): return asyncio.run({n}_c())",
    "a handler": "def {n}():\n    try: raise KeyError\n    except KeyError: return {i}()",
    "an exception's class": "class {n}_E(Exception):\n    def m(self): return {i}()\ndef {n}():\n    try: raise {n}_E\n    except {n}_E as error: return error.m()",
    "a comprehension": "def {n}(): return [f() for f in ({i},)][0]",
    "a key of a sort": "def {n}(): return sorted([0], key=lambda x: {i}()) and {i}()",
    "a dataclass": "@dataclasses.dataclass\nclass {n}_K:\n    f: object\n    def m(self): return self.f()\n{n}_o = {n}_K({i})\ndef {n}(): return {n}_o.m()",
    "a dataclass's factory": "@dataclasses.dataclass\nclass {n}_K:\n    a: int = dataclasses.field(default_factory={i})\ndef {n}(): return {n}_K().a",
    "a class of attrs": "@attrs.define\nclass {n}_K:\n    f: object\n    def m(self): return self.f()\n{n}_o = {n}_K({i})\ndef {n}(): return {n}_o.m()",
    "a factory of attrs": "@attrs.define\nclass {n}_K:\n    a: int = attrs.field(factory={i})\ndef {n}(): return {n}_K().a",
    "a converter of attrs": "@attrs.define\nclass {n}_K:\n    a: int = attrs.field(converter=lambda x: {i}())\ndef {n}(): return {n}_K(0).a",
    "a validator of attrs": "def {n}_v(o, field, x): o.seen.append({i}())\n@attrs.define\nclass {n}_K:\n    seen: list\n    a: int = attrs.field(validator={n}_v)\ndef {n}():\n    made = {n}_K([], 0)\n    return made.seen[0]",
    "a typed tuple's method": "class {n}_K(typing.NamedTuple):\n    a: int = 1\n    def m(self): return {i}()\n{n}_o = {n}_K()\ndef {n}(): return {n}_o.m()",
    "a member of an enum": "class {n}_K(enum.Enum):\n    A = enum.member({i})\ndef {n}(): return {n}_K.A.value()",
    "a method of an enum": "class {n}_K(enum.Enum):\n    A = 1\n    def m(self): return {i}()\ndef {n}(): return {n}_K.A.m()",
    "a model": "class {n}_K(pydantic.BaseModel):\n    a: int = pydantic.Field(default_factory=lambda: {i}())\ndef {n}(): return {n}_K().a",
    "a model's validator": "class {n}_K(pydantic.BaseModel):\n    a: int\n    @pydantic.field_validator('a')\n    @classmethod\n    def v(cls, x): return {i}()\ndef {n}(): return {n}_K(a=0).a",
    "a weak reference": "def {n}_f(): return {i}()\n{n}_r = weakref.ref({n}_f)\ndef {n}(): return {n}_r()()",
    "a thread's local": "{n}_l = threading.local()\n{n}_l.f = {i}\ndef {n}(): return {n}_l.f()",
    "an abstract class": "class {n}_B(abc.ABC):\n    @abc.abstractmethod\n    def m(self): ...\nclass {n}_K({n}_B):\n    def m(self): return {i}()\n{n}_o = {n}_K()\ndef {n}(): return {n}_o.m()",
    "an import in a function": "def {n}():\n    from {module} import {i} as found\n    return found()",
    "a module by its name": "def {n}(): return getattr(sys.modules['{module}'], '{i}')()",
}
"""Each makes a function ``{n}`` without arguments that calls the function ``{i}``, in the module ``{module}``."""

WIDE = {"a global by its name", "an import in a function", "a module by its name"}
"""Ways by which the whole module counts, as it is looked up or imported when the step runs."""

BESIDE = [
    "def beside(): return <u>",
    "BESIDE = <u>",
    "class Beside:\n    a = <u>",
    "# <u>",
    "def beside_documented():\n    'says <u>'\n    return 1",
    "class BesideHolder:\n    def m(self): return BESIDE_H\nBESIDE_H = {'a': <u>}",
]
"""What no way leads to, at ``<u>``."""

IMPORTS = (
    "import abc, asyncio, collections, concurrent.futures, contextlib, contextvars, dataclasses, enum, functools, operator, re, sys, "
    "threading, types, typing, weakref\nimport attrs, numpy, pydantic, sklearn.preprocessing, toolz\n"
)
BY_CHANCE = 150
SEED = 20261201


def programs(by_chance: int = BY_CHANCE, seed: int = SEED) -> dict[str, str]:
    """The programs by what is in them, with ``<>`` and ``<u>`` for their contents."""
    chance = random.Random(seed)
    things = itertools.cycle(THINGS)
    plans = [(next(things), [way]) for way in WAYS] + [(thing, ["a call"]) for thing in THINGS]
    for _ in range(by_chance):
        plans.append((chance.choice(list(THINGS)), chance.choices(list(WAYS), k=chance.randint(2, 4))))
    found: dict[str, str] = {}
    for number, (thing, ways) in enumerate(plans):
        pieces = [THINGS[thing].format(n="f0")]
        for depth, way in enumerate(ways, 1):
            pieces.append(WAYS[way].format(n=f"f{depth}", i=f"f{depth - 1}", module=f"row{number}"))
        for beside in chance.sample(BESIDE, 2):
            pieces.insert(chance.randint(0, len(pieces)), beside)
        text = "\n".join([IMPORTS, *pieces, f"def target(): return f{len(ways)}()", ""])
        found[f"{number}: {thing} by {', '.join(ways)}"] = text
    return found


CONTENTS = {"first": ("2", "5", "0"), "again": ("2", "5", "77"), "changed": ("3", "5", "0"), "beside": ("2", "6", "0")}
"""What stands at ``<>``, what at ``<u>``, and the hash seed."""


def take_all(directory: Path, every: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What each program gives with each content."""
    found: dict[str, dict[str, Any]] = {name: {} for name in every}
    for which, (content, beside, seed) in CONTENTS.items():
        texts = {
            f"row{number}": text.replace("<>", content).replace("<u>", beside)
            for number, text in enumerate(every.values())
        }
        for name, value in zip(every, take(directory / "project", texts, seed).values(), strict=True):
            found[name][which] = value
    return found


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    def make(directory: Path) -> None:
        (directory / "taken.json").write_text(json.dumps(take_all(directory, programs())), encoding="utf-8")

    made = made_once(tmp_path_factory, "generated-programs", make)
    found: dict[str, dict[str, Any]] = json.loads((made / "taken.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", programs())
def test_a_change_of_the_thing_and_of_nothing_else_changes_the_fingerprint(
    name: str, taken: dict[str, dict[str, Any]]
) -> None:
    assert faults_of(name, taken[name]) == []


def faults_of(name: str, found: dict[str, Any]) -> list[str]:
    """What is wrong with what the program of this name gave."""
    (first, unknown, answer), (changed, _, other) = found["first"], found["changed"]
    faults = [f"it is said to reach what cannot be told: {unknown}"] if unknown else []
    if answer == other:
        faults.append(f"the program is no program of its kind: it answers {answer} and {other}")
    if first == changed:
        faults.append("a change of the thing keeps the fingerprint")
    if found["again"][0] != first:
        faults.append("another process has another fingerprint")
    if found["beside"][0] != first and not any(way in name for way in WIDE):
        faults.append("a change beside the way changes the fingerprint")
    return faults
