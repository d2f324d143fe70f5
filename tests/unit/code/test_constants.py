# ruff: noqa: E501  a row is one program in one line
"""Whatever a step reaches counts by its content: in every process alike, and differently when it has changed.

Each row is a module with one constant, written with two contents. All of them are imported by processes with different hash
seeds; a row fails when two equal ones differ, when two different ones are equal, or when the object is silently passed over.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sharing import made_once

Row = tuple[str, str, Any, Any]
"""Statements, an expression with a place marked by ``<>``, and the two things that stand there."""

ROWS: dict[str, Row] = {
    "fraction": ("import fractions", "fractions.Fraction(1, <>)", 2, 3),
    "range": ("", "range(<>)", 2, 3),
    "slice": ("", "slice(<>)", 2, 3),
    "simplenamespace": ("import types", "types.SimpleNamespace(a=<>, b=[1])", 2, 3),
    "itemgetter": ("import operator", "operator.itemgetter(<>)", 2, 3),
    "attrgetter": ("import operator", "operator.attrgetter(<>)", "'a'", "'b'"),
    "methodcaller": ("import operator", "operator.methodcaller('m', <>, k=1)", "2", "3"),
    "configparser": (
        "import configparser\ndef _c(t):\n    c = configparser.ConfigParser(); c.read_string(t); return c",
        "_c('[a]\\nb = <>')",
        2,
        3,
    ),
    "deque": ("import collections", "collections.deque([1,<>], maxlen=5)", 2, 3),
    "deque maxlen": ("import collections", "collections.deque([1], maxlen=<>)", 2, 3),
    "Counter": ("import collections", "collections.Counter('a'*<>)", 2, 3),
    "OrderedDict": ("import collections", "collections.OrderedDict(a=<>)", 2, 3),
    "defaultdict": ("import collections", "collections.defaultdict(list, a=<>)", 2, 3),
    "defaultdict factory": ("import collections", "collections.defaultdict(<>, a=2)", "list", "set"),
    "ChainMap": ("import collections", "collections.ChainMap({'a': <>}, {})", 2, 3),
    "bytearray": ("", "bytearray(b'<>')", 2, 3),
    "array": ("import array", "array.array('d', [<>])", 2, 3),
    "memoryview": ("", "memoryview(b'<>')", 2, 3),
    "mappingproxy": ("import types", "types.MappingProxyType({'a': <>})", 2, 3),
    "generic alias": ("", "list[<>]", "int", "str"),
    "typing alias": ("import typing", "typing.List[<>]", "int", "str"),
    "typing union": ("import typing", "typing.Optional[<>]", "int", "str"),
    "union type": ("", "int | <>", "bytes", "str"),
    "annotated": ("import typing", "typing.Annotated[int, <>]", "2", "3"),
    "literal": ("import typing", "typing.Literal[<>]", "2", "3"),
    "callable alias": ("import collections.abc", "collections.abc.Callable[[int], <>]", "int", "str"),
    "typevar": ("import typing", "typing.TypeVar('T', bound=<>)", "int", "str"),
    "newtype": ("import typing", "typing.NewType('T', <>)", "int", "str"),
    "exception": ("", "ValueError(<>)", 2, 3),
    "bound append": ("", "[<>].append", 2, 3),
    "bound get": ("", "{'a': <>}.get", 2, 3),
    "bound join": ("", "'<>'.join", 2, 3),
    "template": ("import string", "string.Template('$a <>')", 2, 3),
    "uuid": ("import uuid", "uuid.UUID(int=<>)", 2, 3),
    "decimal context": ("import decimal", "decimal.Context(prec=<>)", 2, 3),
    "ip address": ("import ipaddress", "ipaddress.ip_address('10.0.0.<>')", 2, 3),
    "ip network": ("import ipaddress", "ipaddress.ip_network('10.0.<>.0/24')", 2, 3),
    "partial": ("import functools", "functools.partial(int, base=<>)", 2, 3),
    "partial subclass": ("import functools\nclass P(functools.partial): pass", "P(int, base=<>)", 2, 3),
    "Random": ("import random", "random.Random(<>)", 2, 3),
    "pattern": ("import re", "re.compile('a<>')", 2, 3),
    "pattern flags": ("import re", "re.compile('a', <>)", "re.I", "re.M"),
    "datetime zone": (
        "import datetime, zoneinfo",
        "datetime.datetime(2020, 1, <>, tzinfo=zoneinfo.ZoneInfo('UTC'))",
        2,
        3,
    ),
    "zone": ("import zoneinfo", "zoneinfo.ZoneInfo(<>)", "'Europe/Berlin'", "'Europe/Paris'"),
    "timezone": ("import datetime", "datetime.timezone(datetime.timedelta(hours=<>))", 2, 3),
    "path": ("import pathlib", "pathlib.Path('a<>')", 2, 3),
    "dict order": ("", "{<>}", "'a': 1, 'b': 2", "'b': 2, 'a': 1"),
    "dict in list order": ("", "[{<>}]", "'a': 1, 'b': 2", "'b': 2, 'a': 1"),
    "set": ("", "{'a', 'b', 'c', <>}", "'d'", "'e'"),
    "set of objects": ("class K:\n    def __init__(self, n): self.n = n", "{K(1), K(2), K(3), K(<>)}", 4, 5),
    "sentinel": ("", "(object(), <>)", 2, 3),
    "slots": ("class K:\n    __slots__ = ('n',)\n    def __init__(self, n): self.n = n", "K(<>)", 2, 3),
    "slots of base": (
        "class B:\n    __slots__ = ('n',)\nclass K(B):\n    __slots__ = ('m',)\n    def __init__(self, n): self.n = n",
        "K(<>)",
        2,
        3,
    ),
    "dict subclass": ("class K(dict): pass", "K(a=<>)", 2, 3),
    "dict subclass class": ("class K(dict):\n    def m(self): return <>", "K(a=2)", 2, 3),
    "list subclass": ("class K(list): pass", "K([<>])", 2, 3),
    "list subclass class": ("class K(list):\n    def m(self): return <>", "K([2])", 2, 3),
    "tuple subclass": ("class K(tuple): pass", "K([<>])", 2, 3),
    "tuple subclass class": ("class K(tuple):\n    def m(self): return <>", "K([2])", 2, 3),
    "int subclass": ("class K(int): pass", "K(<>)", 2, 3),
    "int subclass class": ("class K(int):\n    def m(self): return <>", "K(2)", 2, 3),
    "str subclass": ("class K(str): pass", "K('<>')", 2, 3),
    "str subclass class": ("class K(str):\n    def m(self): return <>", "K(2)", 2, 3),
    "float subclass": ("class K(float): pass", "K('<>')", 2, 3),
    "bytes subclass": ("class K(bytes): pass", "K(b'<>')", 2, 3),
    "set subclass": ("class K(set): pass", "K(['a','b','c','<>'])", 2, 3),
    "frozenset subclass": ("class K(frozenset): pass", "K(['a','b','c','<>'])", 2, 3),
    "set subclass class": ("class K(set):\n    def m(self): return <>", "K('abc')", 2, 3),
    "dataclass": (
        "import dataclasses\n@dataclasses.dataclass\nclass K:\n    n: int\n    l: list = dataclasses.field(default_factory=list)",
        "K(<>)",
        2,
        3,
    ),
    "dataclass slots": (
        "import dataclasses\n@dataclasses.dataclass(slots=True, frozen=True)\nclass K:\n    n: int",
        "K(<>)",
        2,
        3,
    ),
    "attrs": ("import attrs\n@attrs.frozen\nclass K:\n    n: int", "K(<>)", 2, 3),
    "named tuple": ("import typing\nclass K(typing.NamedTuple):\n    n: int", "K(<>)", 2, 3),
    "named tuple method": (
        "import typing\nclass K(typing.NamedTuple):\n    n: int\n    def m(self): return <>",
        "K(2)",
        2,
        3,
    ),
    "enum": ("import enum\nclass K(enum.Enum):\n    A = <>", "K.A", 2, 3),
    "enum method": ("import enum\nclass K(enum.Enum):\n    A = 1\n    def m(self): return <>", "K.A", 2, 3),
    "flag": ("import enum\nclass K(enum.Flag):\n    A = <>\n    B = 8", "K.A | K.B", 2, 4),
    "str enum": ("import enum\nclass K(enum.StrEnum):\n    A = '<>'", "K.A", 2, 4),
    "enum tuple": ("import enum\nclass K(enum.Enum):\n    A = (1, [<>])", "K.A", 2, 4),
    "cycle": ("class K: pass\ndef mk(n):\n    k = K(); k.me = k; k.l = [k, n]; return k", "mk(<>)", 2, 3),
    "getstate": (
        "class K:\n    def __init__(self, n): self.n = n; self.s = open('/dev/null')\n    def __getstate__(self): return {'n': self.n}",
        "K(<>)",
        2,
        3,
    ),
    "reduce": (
        "def mk(n): return K(n)\nclass K:\n    def __init__(self, n): self.n = n\n    def __reduce__(self): return (mk, (self.n,))",
        "K(<>)",
        2,
        3,
    ),
    "stringio": ("import io", "io.StringIO('<>')", 2, 3),
    "bytesio": ("import io", "io.BytesIO(b'<>')", 2, 3),
    "contextvar": ("import contextvars", "contextvars.ContextVar('v', default=<>)", 2, 3),
    "lru": ("import functools\n@functools.lru_cache\ndef h(x): return <>", "h", 2, 3),
    "iterator of list": ("", "iter([1, <>])", 2, 3),
    "weak value dict": (
        "import weakref\nclass K:\n    def __init__(self, n): self.n = n\nKEEP = K(<>)",
        "weakref.WeakValueDictionary(a=KEEP)",
        2,
        3,
    ),
    "weak set": (
        "import weakref\nclass K:\n    def __init__(self, n): self.n = n\nKEEP = [K(1), K(5), K(<>)]",
        "weakref.WeakSet(KEEP)",
        2,
        3,
    ),
    "np array": ("import numpy as np", "np.array([1., <>])", 2, 3),
    "np shape": ("import numpy as np", "np.zeros((<>))", "2, 3", "3, 2"),
    "np dtype of array": ("import numpy as np", "np.zeros(3, <>)", "'i4'", "'u4'"),
    "np datetime64": ("import numpy as np", "np.array(['202<>-01-01'], 'datetime64[D]')", 2, 3),
    "np timedelta unit": ("import numpy as np", "np.array([1], 'timedelta64[<>]')", "s", "D"),
    "np object": ("import numpy as np", "np.array(['a', None, <>], object)", 2, 3),
    "np object fraction": ("import numpy as np, fractions", "np.array([fractions.Fraction(1, <>)], object)", 2, 3),
    "np structured": ("import numpy as np", "np.array([(1, <>)], [('a', 'i1'), ('b', 'f8')])", 2, 3),
    "np masked": ("import numpy as np", "np.ma.array([1, 2], mask=[<>, 0])", 0, 1),
    "np masked data": ("import numpy as np", "np.ma.array([1, <>], mask=[1, 0])", 2, 3),
    "np str": ("import numpy as np", "np.array(['a<>'])", 2, 3),
    "np scalar": ("import numpy as np", "np.float64(<>)", 2, 3),
    "np dt scalar": ("import numpy as np", "np.datetime64('202<>-01-01')", 2, 3),
    "np stringdtype": ("import numpy as np", "np.array(['a', 'b<>'], dtype=np.dtypes.StringDType())", 2, 3),
    "np 0d": ("import numpy as np", "np.array(<>)", 2, 3),
    "np strided": ("import numpy as np", "np.arange(10)[::<>]", 2, 3),
    "np dtype": ("import numpy as np", "np.dtype('<>')", "f4", "f8"),
    "np dtype struct": ("import numpy as np", "np.dtype([('a', '<>')])", "f4", "f8"),
    "np ufunc": ("import numpy as np", "np.<>", "add", "subtract"),
    "np matrix": ("import numpy as np", "np.asmatrix([1, <>])", 2, 3),
    "np poly1d": ("import numpy as np", "np.poly1d([1, <>])", 2, 3),
    "np generator": ("import numpy as np", "np.random.default_rng(<>)", 2, 3),
    "np randomstate": ("import numpy as np", "np.random.RandomState(<>)", 2, 3),
    "np vectorize": ("import numpy as np\ndef h(x): return <>", "np.vectorize(h)", 2, 3),
    "pd timestamp": ("import pandas as pd", "pd.Timestamp('202<>-01-01')", 2, 3),
    "pd timestamp tz": ("import pandas as pd", "pd.Timestamp('2020-01-01', tz=<>)", "'UTC'", "'Europe/Paris'"),
    "pd timedelta": ("import pandas as pd", "pd.Timedelta(days=<>)", 2, 3),
    "pd interval": ("import pandas as pd", "pd.Interval(0, <>)", 2, 3),
    "pd period": ("import pandas as pd", "pd.Period('202<>')", 2, 3),
    "pd offset": ("import pandas as pd", "pd.offsets.Day(<>)", 2, 3),
    "pd na": ("import pandas as pd", "[pd.NA, pd.NaT, <>]", 2, 3),
    "pd frame": ("import pandas as pd", "pd.DataFrame({'a': [1, <>], 'b': ['x', 'y']})", 2, 3),
    "pd frame cols": ("import pandas as pd", "pd.DataFrame({'<>': [1]})", 2, 3),
    "pd frame index": ("import pandas as pd", "pd.DataFrame({'a': [1]}, index=[<>])", 2, 3),
    "pd frame attrs": (
        "import pandas as pd\ndef mk(n):\n    d = pd.DataFrame({'a': [1]}); d.attrs['n'] = n; return d",
        "mk(<>)",
        2,
        3,
    ),
    "pd series": ("import pandas as pd", "pd.Series([1, <>], name='n')", 2, 3),
    "pd series name": ("import pandas as pd", "pd.Series([1], name='<>')", 2, 3),
    "pd series dates": ("import pandas as pd", "pd.Series(pd.to_datetime(['202<>-01-01']))", 2, 3),
    "pd series Int64": ("import pandas as pd", "pd.Series([1, None, <>], dtype='Int64')", 2, 3),
    "pd series object": ("import pandas as pd", "pd.Series([[1], <>], dtype=object)", 2, 3),
    "pd series string": ("import pandas as pd", "pd.Series(['a', None, '<>'], dtype='string')", 2, 3),
    "pd series arrow": ("import pandas as pd", "pd.Series(['a', None, '<>'], dtype='string[pyarrow]')", 2, 3),
    "pd series arrow int": ("import pandas as pd", "pd.Series([1, None, <>], dtype='int64[pyarrow]')", 2, 3),
    "pd categorical": (
        "import pandas as pd",
        "pd.Series(['a', 'b'], dtype=pd.CategoricalDtype(['a', 'b', '<>']))",
        "c",
        "d",
    ),
    "pd categorical order": (
        "import pandas as pd",
        "pd.Series(['a', 'b'], dtype=pd.CategoricalDtype(['a', 'b'], ordered=<>))",
        "True",
        "False",
    ),
    "pd index": ("import pandas as pd", "pd.Index([1, <>])", 2, 3),
    "pd multiindex": ("import pandas as pd", "pd.MultiIndex.from_tuples([('a', <>)])", 2, 3),
    "pd rangeindex": ("import pandas as pd", "pd.RangeIndex(<>)", 2, 3),
    "pd dtidx": ("import pandas as pd", "pd.date_range('2020', periods=<>)", 2, 3),
    "pd grouper": ("import pandas as pd", "pd.Grouper(freq='<>D')", 2, 3),
    "pl frame": ("import polars as pl", "pl.DataFrame({'a': [1, <>]})", 2, 3),
    "pl series": ("import polars as pl", "pl.Series('a', [1, <>])", 2, 3),
    "pl lazy": ("import polars as pl", "pl.LazyFrame({'a': [1, 2]}).filter(pl.col('a') > <>)", 2, 3),
    "pl expr": ("import polars as pl", "pl.col('a') + <>", 2, 3),
    "pl dtype": ("import polars as pl", "pl.Datetime(<>)", "'us'", "'ms'"),
    "pl schema": ("import polars as pl", "pl.Schema({'a': pl.<>})", "Int64", "Int32"),
    "pa table": ("import pyarrow as pa", "pa.table({'a': [1, <>]})", 2, 3),
    "pa array": ("import pyarrow as pa", "pa.array([1, <>])", 2, 3),
    "pa schema": ("import pyarrow as pa", "pa.schema([('a', pa.<>())])", "int64", "int32"),
    "pa scalar": ("import pyarrow as pa", "pa.scalar(<>)", 2, 3),
    "sk estimator": ("from sklearn.linear_model import Ridge", "Ridge(alpha=<>)", 2, 3),
    "sk pipeline": (
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\nfrom sklearn.linear_model import Ridge",
        "make_pipeline(StandardScaler(), Ridge(alpha=<>))",
        2,
        3,
    ),
    "sk fitted": (
        "from sklearn.linear_model import LinearRegression",
        "LinearRegression().fit([[0.], [1.]], [0., <>])",
        2,
        3,
    ),
    "sk forest": (
        "from sklearn.ensemble import RandomForestClassifier",
        "RandomForestClassifier(5, random_state=<>).fit([[0.], [1.], [2.], [3.]], [0, 1, 1, 0])",
        2,
        3,
    ),
    "sk gb": (
        "from sklearn.ensemble import HistGradientBoostingClassifier",
        "HistGradientBoostingClassifier(max_iter=<>, random_state=0).fit([[0.], [1.], [2.], [3.]]*20, [0, 1, 1, 0]*20)",
        2,
        3,
    ),
    "sk function transformer": (
        "from sklearn.preprocessing import FunctionTransformer\ndef h(x): return <>",
        "FunctionTransformer(h)",
        2,
        3,
    ),
    "sk vectorizer": (
        "from sklearn.feature_extraction.text import CountVectorizer",
        "CountVectorizer().fit(['a word <><>'])",
        2,
        3,
    ),
    "sk scorer": ("from sklearn.metrics import make_scorer\ndef h(y, p): return <>", "make_scorer(h)", 2, 3),
    "scipy sparse": ("import scipy.sparse as sp, numpy as np", "sp.csr_matrix(np.array([[0, <>]]))", 2, 3),
    "scipy dist": ("import scipy.stats as st", "st.norm(loc=<>)", 2, 3),
    "scipy special": ("import scipy.special as ss", "ss.<>", "expit", "logit"),
    "pydantic instance": ("import pydantic\nclass K(pydantic.BaseModel):\n    n: int", "K(n=<>)", 2, 3),
    "pydantic class": ("import pydantic\nclass K(pydantic.BaseModel):\n    n: int = <>", "K", 2, 3),
    "pydantic field": ("import pydantic\nclass K(pydantic.BaseModel):\n    n: int = pydantic.Field(gt=<>)", "K", 2, 3),
    "pydantic private attribute": (
        "import pydantic\nclass K(pydantic.BaseModel):\n    _n: int = pydantic.PrivateAttr(<>)",
        "K",
        2,
        3,
    ),
    "pydantic type": ("import pydantic\nclass K(pydantic.BaseModel):\n    n: <>", "K", "int", "str"),
    "pydantic validator": (
        "import pydantic\nclass K(pydantic.BaseModel):\n    n: int\n    @pydantic.field_validator('n')\n    @classmethod\n    def v(cls, x): return <>",
        "K",
        2,
        3,
    ),
    "pydantic validated field": (
        "import pydantic\nclass K(pydantic.BaseModel):\n    n: int\n    m: int\n    @pydantic.field_validator('<>')\n    @classmethod\n    def v(cls, x): return 1",
        "K",
        "n",
        "m",
    ),
    "pydantic config": (
        "import pydantic\nclass K(pydantic.BaseModel):\n    model_config = pydantic.ConfigDict(extra=<>)\n    n: int",
        "K",
        "'allow'",
        "'forbid'",
    ),
    "pydantic computed": (
        "import pydantic\nclass K(pydantic.BaseModel):\n    n: int\n    @pydantic.computed_field\n    @property\n    def m(self) -> int: return <>",
        "K",
        2,
        3,
    ),
    "pydantic nested": (
        "import pydantic\nclass A(pydantic.BaseModel):\n    n: int = <>\nclass K(pydantic.BaseModel):\n    a: A\n    o: list['A'] = []",
        "K",
        2,
        3,
    ),
    "pydantic generic": (
        "import pydantic, typing\nT = typing.TypeVar('T')\nclass A(pydantic.BaseModel, typing.Generic[T]):\n    n: T",
        "A[<>]",
        "int",
        "str",
    ),
    "pydantic adapter": ("import pydantic", "pydantic.TypeAdapter(list[<>])", "int", "str"),
    "pydantic validate_call": ("import pydantic\n@pydantic.validate_call\ndef h(x: <>): return x", "h", "int", "str"),
    "pydantic validate_call body": ("import pydantic\n@pydantic.validate_call\ndef h(x: int): return <>", "h", 2, 3),
    "pydantic dataclass": (
        "import pydantic.dataclasses\n@pydantic.dataclasses.dataclass\nclass K:\n    n: int = <>",
        "K",
        2,
        3,
    ),
    "toolz curry": ("import toolz\n@toolz.curry\ndef h(a, b): return <>", "h", 2, 3),
    "toolz compose": ("import toolz\ndef h(a): return <>", "toolz.compose(h, str)", 2, 3),
    "toolz memoize": ("import toolz\n@toolz.memoize\ndef h(a): return <>", "h", 2, 3),
    "joblib delayed": ("import joblib\ndef h(a): return <>", "joblib.delayed(h)", 2, 3),
    "fitted kneighbors": (
        "from sklearn.neighbors import KNeighborsClassifier",
        "KNeighborsClassifier(1).fit([[0.], [<>]], [0, 1])",
        2,
        3,
    ),
    "property": ("class K:\n    @property\n    def p(self): return <>", "K()", 2, 3),
    "metaclass": ("class M(type):\n    def __call__(cls): return <>\nclass K(metaclass=M): pass", "K", 2, 3),
    "descriptor": (
        "class D:\n    def __init__(self, n): self.n = n\n    def __get__(self, o, t): return self.n\nclass K:\n    d = D(<>)",
        "K",
        2,
        3,
    ),
    "function attribute": ("def h(): return h.r\nh.r = <>", "h", 2, 3),
    "partialmethod": (
        "import functools\nclass K:\n    def m(self, n): return n\n    d = functools.partialmethod(m, <>)",
        "K",
        2,
        3,
    ),
    "singledispatch": (
        "import functools\n@functools.singledispatch\ndef h(x): return 0\n@h.register\ndef _(x: int): return <>",
        "h",
        2,
        3,
    ),
    "singledispatchmethod": (
        "import functools\nclass K:\n    @functools.singledispatchmethod\n    def h(self, x): return 0\n    @h.register\n    def _(self, x: int): return <>",
        "K",
        2,
        3,
    ),
    "attrs validator": (
        "import attrs\n@attrs.define\nclass K:\n    a: int = attrs.field(validator=attrs.validators.ge(<>))",
        "K",
        2,
        3,
    ),
    "attrs converter": (
        "import attrs\n@attrs.define\nclass K:\n    a: int = attrs.field(converter=lambda x: <>)",
        "K",
        2,
        3,
    ),
    "attrs factory": ("import attrs\n@attrs.define\nclass K:\n    a: int = attrs.field(factory=lambda: <>)", "K", 2, 3),
    "attrs metadata": (
        "import attrs\n@attrs.define\nclass K:\n    a: int = attrs.field(metadata={'a': <>})",
        "K",
        2,
        3,
    ),
    "dataclass factory": (
        "import dataclasses\n@dataclasses.dataclass\nclass K:\n    a: int = dataclasses.field(default_factory=lambda: <>)",
        "K",
        2,
        3,
    ),
    "dataclass metadata": (
        "import dataclasses\n@dataclasses.dataclass\nclass K:\n    a: int = dataclasses.field(default=1, metadata={'a': <>})",
        "K",
        2,
        3,
    ),
    "dataclass frozen": (
        "import dataclasses\n@dataclasses.dataclass(order=<>)\nclass K:\n    a: int = 1",
        "K",
        True,
        False,
    ),
    "typeddict": ("import typing\nclass K(typing.TypedDict):\n    a: <>", "K", "int", "str"),
    "contextmanager": ("import contextlib\n@contextlib.contextmanager\ndef h():\n    yield <>", "h", 2, 3),
    "async": ("async def h(): return <>", "h", 2, 3),
    "generator function": ("def h():\n    yield <>", "h", 2, 3),
    "nested class": ("class K:\n    class L:\n        def m(self): return <>", "K", 2, 3),
    "exec": ("NS = {}\nexec('def h(): return <>', NS)", "NS['h']", 2, 3),
    "exec class": ("NS = {}\nexec('class K:\\n    def h(): return <>', NS)", "NS['K']", 2, 3),
    "callable instance": ("class K:\n    def __call__(self): return <>", "K()", 2, 3),
    "wrapped by own deco": (
        "import functools\ndef deco(f):\n    @functools.wraps(f)\n    def w(*a): return f(*a)\n    return w\n@deco\ndef h(): return <>",
        "h",
        2,
        3,
    ),
    "deco in attribute": (
        "class Deco:\n    def __init__(self, f): self.f = f\n    def __call__(self, *a): return self.f(*a)\n@Deco\ndef h(): return <>",
        "h",
        2,
        3,
    ),
    "init_subclass registry": (
        "class B:\n    reg = {}\n    def __init_subclass__(cls): B.reg[cls.__name__] = cls\nclass C(B):\n    def m(self): return <>",
        "B",
        2,
        3,
    ),
    "queue": ("import queue\ndef mk(n):\n    q = queue.Queue(); q.put(n); return q", "mk(<>)", 2, 3),
    "thread pool": ("import concurrent.futures as cf", "(cf.ThreadPoolExecutor(1), <>)", 2, 3),
    "logger": ("import logging", "(logging.getLogger('x'), <>)", 2, 3),
    "lock": (
        "import threading",
        "(threading.Lock(), threading.RLock(), threading.Condition(), threading.local(), threading.Semaphore(2), <>)",
        2,
        3,
    ),
    "streams": ("import sys", "(sys.stdout, sys.stderr, sys.stdin, <>)", 2, 3),
    "random functions": (
        "import random\nfrom random import shuffle, random as rnd\nfrom numpy.random import rand",
        "(shuffle, rnd, rand, <>)",
        2,
        3,
    ),
    "kitchen": (
        "import math, statistics, json, csv",
        "(math.sin, json.dumps, json.JSONEncoder, csv.reader, print, len, dict.fromkeys, str.join, [1].__len__, <>)",
        2,
        3,
    ),
    "json encoder": ("import json", "json.JSONEncoder(indent=<>)", 2, 3),
    "argparse": (
        "import argparse\ndef mk(n):\n    p = argparse.ArgumentParser(prog='a'); p.add_argument('-x', default=n); return p",
        "mk(<>)",
        2,
        3,
    ),
    "struct": ("import struct", "struct.Struct('<>s')", 2, 3),
    "date range generator obj": ("import calendar", "calendar.Calendar(<>)", 2, 3),
    "csv dialect": (
        "import csv\nclass K(csv.Dialect):\n    delimiter = '<>'\n    quoting = csv.QUOTE_NONE\n    lineterminator=''",
        "K",
        ",",
        ";",
    ),
    "logging filter": ("import statistics", "statistics.NormalDist(<>)", 2, 3),
    "tuple of functions": ("def a(): return <>\ndef b(): return 0", "(a, b)", 2, 3),
    "lambda table": ("", "{'a': lambda: <>}", 2, 3),
    "email": (
        "import email.message\ndef mk(n):\n    m = email.message.EmailMessage(); m['Subject'] = n; return m",
        "mk('<>')",
        2,
        3,
    ),
    "xml": ("import xml.etree.ElementTree as ET", "ET.fromstring('<a><b><></b></a>')", 2, 3),
    "ast": ("import ast", "ast.parse('a = <>')", 2, 3),
    "urlparse": ("import urllib.parse", "urllib.parse.urlparse('http://a/<>')", 2, 3),
    "generic class": (
        "import typing\nT = typing.TypeVar('T')\nclass A(typing.Generic[T]):\n    def m(self): return <>",
        "A[int]",
        2,
        3,
    ),
    "protocol": (
        "import typing\n@typing.runtime_checkable\nclass A(typing.Protocol):\n    def m(self) -> int: return <>",
        "A",
        2,
        3,
    ),
    "abc": (
        "import abc\nclass A(abc.ABC):\n    @abc.abstractmethod\n    def m(self): return <>\nclass B(A):\n    def m(self): return 0",
        "B",
        2,
        3,
    ),
    "userdict": ("import collections\nclass K(collections.UserDict): pass", "K(a=<>)", 2, 3),
}
UNKNOWN: dict[str, Row] = {
    "generator": ("", "(x for x in [<>])", 2, 3),
    "file": ("", "open('/dev/null')", 2, 3),
    "socket": ("import socket", "socket.socket()", 2, 3),
    "sqlite": ("import sqlite3", "sqlite3.connect(':memory:')", 2, 3),
    "pairwise": ("import itertools", "itertools.pairwise([<>, 1])", 2, 3),
    "address": ("import ctypes", "ctypes.c_void_p(<>)", 2, 3),
    "callback": ("import ctypes", "ctypes.CFUNCTYPE(ctypes.c_int)(lambda: <>)", 2, 3),
    "frompyfunc": ("import numpy as np\ndef h(x): return <>", "np.frompyfunc(h, 1, 1)", 2, 3),
    "match": ("import re", "re.match('a', 'a')", 2, 3),
    "tempfile": ("import tempfile", "tempfile.TemporaryFile()", 2, 3),
}
TAKE = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
from plugbay.code.fingerprint import code_fingerprint
found = {}
for name in sys.argv[1:]:
    try:
        taken = code_fingerprint(importlib.import_module(name).target)
    except ModuleNotFoundError as error:
        found[name] = [f"lacks {error.name}", []]
    else:
        found[name] = [taken.digest, [str(each) for each in taken.unknown]]
print(json.dumps(found))
"""
OPTIONAL = ("pydantic", "toolz", "sklearn", "pandas", "polars", "pyarrow", "numpy", "scipy", "joblib")


def text_of(row: Row, which: int) -> str:
    setup, expression, *contents = row
    text = f"{setup}\nCONSTANT = {expression}\ndef target(): return CONSTANT\n"
    return text.replace("<>", str(contents[which]))


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """The fingerprints of each row: of the first content with two hash seeds, of the second one with two."""

    def take(directory: Path) -> None:
        (directory / "taken.json").write_text(json.dumps(take_all(directory)), encoding="utf-8")

    made = made_once(tmp_path_factory, "constants", take)
    found: dict[str, list[Any]] = json.loads((made / "taken.json").read_text(encoding="utf-8"))
    return found


def take_all(directory: Path) -> dict[str, list[Any]]:
    every = {**ROWS, **UNKNOWN}
    names = {f"row{number}": name for number, name in enumerate(every)}
    found: dict[str, list[Any]] = {name: [] for name in every}
    for which in (0, 1):
        project = directory / str(which)
        project.mkdir()
        for module, name in names.items():
            (project / f"{module}.py").write_text(text_of(every[name], which), encoding="utf-8")
        for seed in ("0", "77"):
            done = subprocess.run(
                [sys.executable, "-c", TAKE, *names],
                cwd=project,
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(project)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=True,
            )
            for module, value in json.loads(done.stdout.splitlines()[-1]).items():
                found[names[module]].append(value)
    return found


def lacking(row: Row) -> list[str]:
    return [name for name in OPTIONAL if name in row[0] and importlib.util.find_spec(name) is None]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ROWS)
def test_a_constant_counts_by_its_content_in_every_process(name: str, taken: dict[str, list[Any]]) -> None:
    if lacking(ROWS[name]):
        pytest.skip(f"{lacking(ROWS[name])} not installed")
    (before, unknown), again, after, after_again = taken[name]
    assert unknown == []
    assert [before, unknown] == again
    assert after == after_again
    assert before != after[0]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", UNKNOWN)
def test_what_has_no_content_is_unknown_and_named(name: str, taken: dict[str, list[Any]]) -> None:
    for _, unknown in taken[name]:
        assert unknown and ".CONSTANT" in unknown[0]
