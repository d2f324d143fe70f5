"""A value comes back with the type and content that it had, all the way down, or it is refused with the reason."""

from __future__ import annotations

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import math
import pathlib
import typing
import uuid
import zoneinfo
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugbay.errors import OutputError, PlugbayError
from plugbay.instances import attributes_of
from plugbay.serializers.choice import SerializationError, Serializers
from plugbay.stack import Stack
from plugbay.store.artifacts import Artifacts

T = typing.TypeVar("T")


class Text(str):
    __slots__ = ("unit",)


class Number(int):
    pass


class Ratio(float):
    unit: str


class Rows(list):  # type: ignore[type-arg]
    pass


class Table(dict):  # type: ignore[type-arg]
    pass


class Pair(tuple):  # type: ignore[type-arg]
    __slots__ = ()


class Labels(frozenset):  # type: ignore[type-arg]
    pass


class Moment(dt.datetime):
    pass


class Money(decimal.Decimal):
    pass


class Celsius(float):
    """One whose constructor is no inverse of its value."""

    def __new__(cls, fahrenheit: float) -> Celsius:
        return float.__new__(cls, (fahrenheit - 32) / 1.8)


class TwoArguments(tuple):  # type: ignore[type-arg]
    __slots__ = ()

    def __new__(cls, one: Any, two: Any) -> TwoArguments:
        return tuple.__new__(cls, (one, two))


class Failure(Exception):
    def __init__(self, code: Any) -> None:
        super().__init__(f"failed {code}")
        self.code = code


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Named(typing.NamedTuple):
    """Also the base of one with attributes."""

    x: Any
    y: Any = 0


class NamedMore(Named):
    pass


class Converting(Named):
    __slots__ = ()

    def __new__(cls, x: Any) -> Converting:
        return Named.__new__(cls, x, "made")


class Box(typing.NamedTuple, typing.Generic[T]):  # type: ignore[misc]
    content: T


class Hidden:
    __slots__ = ("hidden",)


@attrs.define
class Slotted(Hidden):
    x: Any = 1


@attrs.frozen
class Private:
    _x: Any
    other: Any = attrs.field(default=0, alias="o", kw_only=True)


@attrs.frozen(cache_hash=True)
class Hashed:
    x: str


@attrs.define
class Cached:
    x: int

    @functools.cached_property
    def double(self) -> int:
        return 2 * self.x


@dataclasses.dataclass(slots=True, frozen=True)
class FrozenSlots(Hidden):
    x: Any = 1


@dataclasses.dataclass
class Computed:
    x: Any
    seed: dataclasses.InitVar[int] = 0
    total: Any = dataclasses.field(init=False)
    fixed: Any = dataclasses.field(default=3, init=False)

    def __post_init__(self, seed: int) -> None:
        self.total = [self.x, seed]


@dataclasses.dataclass
class Beside:
    x: Any

    def __post_init__(self) -> None:
        self.beside = [self.x]


@dataclasses.dataclass
class Rooted(dict):  # type: ignore[type-arg]
    x: Any = 1


@dataclasses.dataclass
class Checkpoint:
    file: str
    score: Any

    def __fspath__(self) -> str:
        return self.file


class DataFile(type(Path())):  # type: ignore[misc]
    """A path with a method."""

    def rows(self) -> int:
        return len(self.parts)


class Windows(pathlib.PureWindowsPath):
    pass


class Mounted(type(Path())):  # type: ignore[misc]
    """A path with an attribute."""

    host: Any = None


class OddZone(dt.tzinfo):
    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(hours=1)

    def __eq__(self, other: object) -> bool:
        return type(other) is OddZone

    __hash__ = None  # type: ignore[assignment]


class OwnZone(zoneinfo.ZoneInfo):
    pass


def holding(value: Any, **attributes: Any) -> Any:
    for name, held in attributes.items():
        object.__setattr__(value, name, held)
    return value


def hashed(text: str) -> Hashed:
    value = Hashed(text)
    hash(value)
    return value


def cached(number: int) -> Cached:
    value = Cached(number)
    assert value.double == 2 * number
    return value


def made(make: Any, *parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(*parts).map(lambda found: make(*found))


small = st.integers(-3, 3)
hashables: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from([None, True, 1, 1.0, -0.0, math.inf, math.nan, 7**1000, "a", "$tuple", "\ud800", b"a", 1j]),
    st.sampled_from([Colour.RED, Level.LOW, Access.READ | Access.WRITE, Access(0), range(3), int, math.sqrt]),
    st.sampled_from([Path("a/b"), pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("c:/a"), DataFile("a/b")]),
    st.sampled_from([Windows("c:/a"), uuid.UUID(int=3), fractions.Fraction(1, 3), decimal.Decimal("-0E+3")]),
    st.sampled_from([decimal.Decimal("-NaN7"), Money("1.50"), dt.time(1, 2), dt.timedelta(1), dt.date(2024, 2, 29)]),
    made(
        lambda kind, zone, fold: kind(2024, 10, 27, 2, 30, tzinfo=zone, fold=fold),
        st.sampled_from([dt.datetime, Moment]),
        st.sampled_from([None, dt.UTC, zoneinfo.ZoneInfo("Europe/Berlin"), OddZone(), OwnZone("Europe/Berlin")]),
        st.sampled_from([0, 1]),
    ),
    made(Number, small),
    made(Text, st.text(max_size=2)),
    made(lambda text: holding(Text(text), unit="m"), st.text(max_size=2)),
    made(lambda number: holding(Ratio(number), unit="m"), st.floats()),
    made(Celsius, st.sampled_from([32.0, 50.0])),
    made(hashed, st.text(max_size=2)),
    made(FrozenSlots, small),
    made(lambda x: holding(FrozenSlots(x), hidden=x), small),
)


def wrapped(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, max_size=3)
    pairs = st.lists(st.tuples(hashables, inner), max_size=2)
    return st.one_of(
        lists,
        lists.map(tuple),
        lists.map(Rows),
        lists.map(Pair),
        lists.map(collections.deque),
        lists.map(lambda items: [items, items]),
        made(TwoArguments, inner, inner),
        pairs.map(dict),
        pairs.map(Table),
        pairs.map(collections.OrderedDict),
        pairs.map(lambda found: collections.defaultdict(list, found)),
        st.lists(hashables, max_size=2).map(frozenset),
        st.lists(hashables, max_size=2).map(Labels),
        st.lists(hashables, max_size=2).map(collections.Counter),
        made(Named, inner, inner),
        made(NamedMore, inner),
        made(lambda x, more: holding(NamedMore(x), more=more), inner, inner),
        made(Converting, inner),
        made(Box, inner),
        made(Slotted, inner),
        made(lambda x: holding(Slotted(x), hidden=x), inner),
        made(lambda x, other: Private(x, o=other), inner, inner),
        made(cached, small),
        made(Computed, inner, small),
        made(Beside, inner),
        made(lambda x, more: holding(Computed(x), more=more), inner, inner),
        made(lambda x, more: holding(Rooted(x), more=more), inner, inner),
        made(Checkpoint, st.just("a.txt"), inner),
        made(Failure, inner),
        made(ValueError, inner),
        made(lambda host: holding(Mounted("a"), host=host), inner),
        st.binary(max_size=3).map(bytearray),
        st.lists(small, max_size=3).map(lambda items: array.array("q", items)),
    )


values = st.recursive(hashables, wrapped, max_leaves=5)


def same(one: Any, other: Any) -> bool:
    """Whether type and content are the same, all the way down."""
    kind = type(one)
    if kind is not type(other):
        return False
    if isinstance(one, enum.Enum) or one is other:
        return one is other
    if isinstance(one, (float, complex, decimal.Decimal)):
        return repr(one) == repr(other) and same_attributes(one, other)
    if isinstance(one, (list, tuple, collections.deque, array.array)):
        alike = len(one) == len(other) and all(map(same, one, other))
    elif isinstance(one, dict):
        alike = same(list(one.items()), list(other.items()))
    elif isinstance(one, (set, frozenset)):
        alike = len(one) == len(other) and all(any(same(part, found) for found in other) for part in one)
    elif isinstance(one, BaseException):
        alike = same(one.args, other.args)
    elif isinstance(one, (dt.datetime, dt.time)):
        alike = same(one.tzinfo, other.tzinfo) and one.isoformat() == other.isoformat() and one.fold == other.fold
    elif isinstance(one, (zoneinfo.ZoneInfo, OddZone)):
        return str(one.utcoffset(None)) == str(other.utcoffset(None))
    elif attrs.has(kind) or dataclasses.is_dataclass(kind):
        alike = True
    else:
        alike = one == other
    return alike and same_attributes(one, other)


def same_attributes(one: Any, other: Any) -> bool:
    if isinstance(one, pathlib.PurePath):
        return getattr(one, "host", None) is getattr(other, "host", None) or same(one.host, other.host)
    ignored = {"double", "fixed", "_attrs_cached_hash"}
    mine, others = attributes_of(one), attributes_of(other)
    names = mine.keys() - ignored
    return names == others.keys() - ignored and all(same(mine[name], others[name]) for name in names)


@pytest.fixture(params=[True, False], ids=["pickle", "no pickle"])
def keeping(request: pytest.FixtureRequest, stack: Stack) -> Any:
    artifacts = Artifacts(stack.artifact_store, Serializers(allow_pickle=request.param))
    yield artifacts
    artifacts.close()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
@given(values)
def test_a_value_comes_back_as_it_was_or_is_refused(keeping: Artifacts, value: Any) -> None:
    if isinstance(value, Path):
        return  # the file there
    try:
        artifact = keeping.save("output", value)
    except PlugbayError as error:
        assert len(str(error)) > 20  # noqa: PT017  either is right
        return
    loaded = keeping.load(artifact)
    assert same(value, loaded), (value, loaded)
    hash_of_attrs(loaded)


def hash_of_attrs(value: Any) -> None:
    if type(value).__hash__ is not None:
        try:
            hash(value)
        except TypeError as error:
            assert "unhashable" in str(error)  # noqa: PT017  it holds a list


@pytest.mark.parametrize(
    ("value", "serializer"),
    [
        (Checkpoint("a.txt", 0.5), "json"),
        ([DataFile("a.txt")], "json"),
        (pathlib.PurePosixPath("a"), "json"),
        (Windows("c:/a"), "json"),
        (Named(1), "json"),
        (Box[int](1), "json"),
        (Cached(1), "json"),
        (Computed(1), "json"),
        (Slotted(1), "json"),
        (FrozenSlots(1), "json"),
        (Text("a"), "pickle"),
        ([Number(1)], "pickle"),
        (Beside(1), "pickle"),
        (Rooted(1), "pickle"),
        (holding(NamedMore(1), more=2), "pickle"),
        (dt.datetime(2024, 1, 1, tzinfo=OddZone()), "pickle"),
        (dt.datetime(2024, 1, 1, tzinfo=OwnZone("UTC")), "pickle"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_json_can_say_is_json_and_the_rest_a_pickle(
    artifacts: Artifacts, stack: Stack, value: Any, serializer: str
) -> None:
    artifact = artifacts.save("output", value)
    assert artifact.serializer == serializer
    assert same(artifacts.load(artifact), value)
    if serializer == "pickle":
        strict = Artifacts(stack.artifact_store, Serializers(allow_pickle=False))
        with pytest.raises(SerializationError, match=r"allow_pickle = false"):
            strict.save("output", value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (holding(Slotted(1), hidden=2), "without its 'hidden'"),
        (holding(FrozenSlots(1), hidden=2), "without its 'hidden'"),
        (Celsius(50.0), "would come back as"),
        ({"a": [Celsius(50.0)]}, r"value\['a'\]\[0\].* would come back as"),
        (TwoArguments(1, 2), "not be read back"),
        (Failure(3), "failed failed 3"),
        (memoryview(b"a"), "cannot be pickled"),
        ((part for part in ()), "cannot be pickled"),
        (collections.defaultdict(lambda: 0), "cannot be pickled"),
        (dataclasses.make_dataclass("Made", ["x"])(1), "which is not there under"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_what_not_even_pickle_gives_back_is_refused(artifacts: Artifacts, value: Any, told: str) -> None:
    with pytest.raises(SerializationError, match=told):
        artifacts.save("output", value)


def test_a_value_that_is_nested_too_deeply_is_refused(artifacts: Artifacts) -> None:
    deep: Any = []
    for _ in range(20_000):
        deep = [deep]
    with pytest.raises(SerializationError, match="nested too deeply"):
        artifacts.save("output", deep)


def test_a_value_that_contains_itself_comes_back_so(artifacts: Artifacts) -> None:
    endless: list[Any] = [1]
    endless.append(endless)
    loaded = artifacts.load(artifacts.save("output", endless))
    assert loaded[1] is loaded


def test_the_record_says_why_a_value_was_pickled(artifacts: Artifacts) -> None:
    assert artifacts.save("output", [Number(1)]).metadata["pickled_because"].startswith("value[0] is a ")  # type: ignore[attr-defined]


def test_a_path_of_a_class_of_the_project_keeps_file_and_class(artifacts: Artifacts, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    for path in (DataFile(tmp_path / "data"), DataFile(tmp_path / "data" / "a.txt")):
        loaded = artifacts.load(artifacts.save("output", path))
        assert type(loaded) is DataFile
        assert loaded.name == path.name
        assert loaded.exists()
    with pytest.raises(OutputError, match=r"Mounted with a constructor or attributes of its own.*return Path\(value\)"):
        artifacts.save("output", holding(Mounted(tmp_path), host="a"))
