import dataclasses
import datetime as dt
import decimal
import enum
import functools
import json
import math
import pathlib
import types
import uuid
import zoneinfo
from typing import Any, NamedTuple

import attrs
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from plugbay.values import EncodingError, canonical, decode, encode


class Colour(enum.Enum):
    RED = 1
    GREEN = "g"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Point(NamedTuple):
    x: Any
    y: Any


@attrs.frozen
class Config:
    rate: Any
    _hidden: Any = 0


@attrs.define
class SlottedHolder:
    value: Any


@dataclasses.dataclass
class Row:
    key: Any
    cells: list[Any] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Incomplete:
    key: Any
    later: Any = dataclasses.field(init=False)


@dataclasses.dataclass
class Counted:
    values: list[int]

    @functools.cached_property
    def total(self) -> int:
        return sum(self.values)


@dataclasses.dataclass
class Failure(Exception):
    code: int


class Opaque:
    pass


zones = st.sampled_from(
    [
        None,
        dt.UTC,
        dt.timezone(dt.timedelta(hours=-3, minutes=-30)),
        dt.timezone(dt.timedelta(hours=1), "CET"),
        zoneinfo.ZoneInfo("Europe/Berlin"),
        zoneinfo.ZoneInfo("UTC"),
    ]
)
folds = st.sampled_from([0, 1])
atoms = st.deferred(
    lambda: (
        st.none()
        | st.booleans()
        | st.integers(min_value=-5, max_value=5)
        | st.integers()
        | st.integers(0, 20).map(lambda bits: 1 << (2040 + bits))
        | st.floats(allow_nan=False)
        | st.sampled_from([0.0, -0.0, 1.0])
        | st.text(max_size=4)
        | st.text(alphabet=st.characters(categories=["Cs"]), min_size=1, max_size=3)
        | st.sampled_from(["", "$tuple", "$dict", "1", "True", "2b3", "s1:1"])
        | st.binary(max_size=4)
        | st.complex_numbers(allow_nan=False)
        | st.builds(lambda m, z, f: m.replace(tzinfo=z, fold=f), st.datetimes(), zones, folds)
        | st.builds(lambda m, z, f: m.replace(tzinfo=z, fold=f), st.times(), zones, folds)
        | st.dates()
        | st.timedeltas()
        | st.decimals(allow_nan=False)
        | st.uuids()
        | st.sampled_from([Colour.RED, Colour.GREEN, Level.LOW, Level.HIGH])
        | st.sampled_from([Access.READ, Access.READ | Access.WRITE, Access(0)])
        | st.sampled_from([pathlib.Path("a/b"), pathlib.PurePosixPath("a/b"), pathlib.PureWindowsPath("a/b")])
    )
)
hashables = st.deferred(
    lambda: st.recursive(
        atoms,
        lambda inner: (
            st.lists(inner, max_size=3).map(tuple)
            | inner.map(lambda item: frozenset([item, 1]))
            | st.builds(Point, inner, inner)
            | st.builds(Config, inner, inner)
        ),
        max_leaves=5,
    )
)
values = st.recursive(
    hashables,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.dictionaries(st.sampled_from(["$set", "$tuple", "a"]), inner, max_size=3)
        | st.dictionaries(hashables, inner, max_size=3)
        | st.sets(hashables, max_size=3)
        | st.builds(Row, inner, st.lists(inner, max_size=2))
        | st.builds(SlottedHolder, inner)
    ),
    max_leaves=8,
)


def shape(value: Any) -> Any:
    """What a value is, to compare values by: types count and the order of dicts, the order of sets does not."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        return kind, value.value
    if kind is float:
        return kind, repr(value)
    if kind is complex:
        return kind, repr(value.real), repr(value.imag)
    if kind is dict:
        return kind, tuple((shape(key), shape(item)) for key, item in value.items())
    if kind in (set, frozenset):
        return kind, frozenset(shape(item) for item in value)
    if kind in (dt.datetime, dt.time):
        zone = value.tzinfo
        named = zone.key if isinstance(zone, zoneinfo.ZoneInfo) else zone and (zone.utcoffset(None), zone.tzname(None))
        return kind, value.replace(tzinfo=None).isoformat(), value.fold, type(zone), named
    if kind is decimal.Decimal:
        return kind, str(value)
    if isinstance(value, (list, tuple)):
        return kind, tuple(shape(item) for item in value)
    if attrs.has(kind):
        return kind, tuple(shape(getattr(value, field.name)) for field in attrs.fields(kind))
    if dataclasses.is_dataclass(kind):
        return kind, tuple(shape(getattr(value, field.name)) for field in dataclasses.fields(kind))
    return kind, value


@given(values)
def test_what_was_encoded_comes_back_through_json_as_it_was(value: Any) -> None:
    text = json.dumps(encode(value), ensure_ascii=False).encode("utf-8", "surrogatepass")
    assert shape(decode(json.loads(text.decode("utf-8", "surrogatepass")))) == shape(value)


@given(values, values)
@example(["1", "2b3"], ["1b2", "3"])
@example("12", ["1", "2"])
@example({1: 2}, {"$dict": [[1, 2]]})
@example((1,), {"$tuple": [1]})
@example({1: 1, 2: 2}, {1: 2, 2: 1})
@example(dt.time(1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), dt.time(1))
@example(dt.datetime(2020, 10, 25, 2, 30), dt.datetime(2020, 10, 25, 2, 30, fold=1))
@example(pathlib.Path("a"), pathlib.PureWindowsPath("a"))
def test_two_values_share_bytes_only_if_they_are_the_same(one: Any, other: Any) -> None:
    assert (canonical(encode(one)) == canonical(encode(other))) == (shape(one) == shape(other))


@given(st.lists(st.text("12b3s:il", max_size=4), max_size=4), st.lists(st.text("12b3s:il", max_size=4), max_size=4))
def test_lists_of_confusable_texts_never_share_bytes(one: list[str], other: list[str]) -> None:
    assume(one != other)
    assert canonical(encode(one)) != canonical(encode(other))


small = st.recursive(
    st.sampled_from([None, True, False, 0, 1, 0.0, -0.0, 1.0, "", "1", "a", b"", b"1", 1j]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.lists(inner, max_size=2).map(tuple)
        | st.dictionaries(st.sampled_from(["a", "$a", 1, True, None]), inner, max_size=2)
    ),
    max_leaves=3,
)


@given(st.lists(small, min_size=2, max_size=12))
def test_among_many_small_values_no_two_collide(found: list[Any]) -> None:
    by_bytes: dict[bytes, Any] = {}
    for value in found:
        assert shape(by_bytes.setdefault(canonical(encode(value)), value)) == shape(value)


@given(st.dictionaries(hashables, atoms, max_size=6), st.randoms())
def test_the_order_of_a_dict_counts(value: dict[Any, Any], random: Any) -> None:
    pairs = list(value.items())
    random.shuffle(pairs)
    same_order = shape(pairs) == shape(list(value.items()))
    assert (canonical(encode(dict(pairs))) == canonical(encode(value))) == same_order


@given(st.sets(hashables, max_size=6), st.randoms())
def test_the_order_of_a_set_does_not_count(value: set[Any], random: Any) -> None:
    members = list(value)
    random.shuffle(members)
    assert canonical(encode(set(members))) == canonical(encode(value))


def test_true_one_and_one_point_zero_are_three_values() -> None:
    assert len({canonical(encode(value)) for value in (True, 1, 1.0, "1", b"1", Level.LOW, decimal.Decimal(1))}) == 7


@pytest.mark.parametrize("value", [math.nan, complex(math.nan, math.inf), decimal.Decimal("sNaN")])
def test_what_is_no_number_comes_back(value: Any) -> None:
    assert repr(decode(json.loads(json.dumps(encode(value))))) == repr(value)


def test_ints_too_long_for_decimal_come_back() -> None:
    value = [7**9000, -(7**9000), {"key": 7**9000}]
    assert decode(json.loads(json.dumps(encode(value)))) == value
    assert canonical(encode(value)) != canonical(encode([7**9000 + 1, *value[1:]]))


def test_the_order_of_a_dict_is_kept() -> None:
    for value in ({"b": 1, "a": 2}, {2: 1, 1: 2}):
        assert list(decode(json.loads(json.dumps(encode(value))))) == list(value)


def test_decoding_twice_gives_two_objects() -> None:
    tree = encode({"a": [1], "b": []})
    first, second = decode(tree), decode(tree)
    first["a"].append(2)
    assert second["a"] == [1]


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"layers": [1, {"fn": len}]}, "setup['layers'][1]['fn']"),
        ([0, (1, Opaque())], "setup[1][1]"),
        (Config(rate={"x": Opaque()}), "setup.rate['x']"),
        (Row(key=1, cells=[Opaque()]), "setup.cells[0]"),
        ({frozenset([Opaque()]): 1}, "element of key of setup"),
    ],
)
def test_a_refusal_names_the_path(value: Any, path: str) -> None:
    with pytest.raises(EncodingError) as caught:
        encode(value, "setup")
    assert str(caught.value).startswith(f"{path} is a ")


class OddZone(dt.tzinfo):
    def utcoffset(self, _: dt.datetime | None) -> dt.timedelta:
        return dt.timedelta(hours=1)


def beyond_its_fields() -> Row:
    row = Row(key=1)
    row.extra = 2  # type: ignore[attr-defined]
    return row


@dataclasses.dataclass
class _Hidden:
    key: int


def local_class() -> Any:
    @dataclasses.dataclass
    class Local:
        key: int

    return Local(1)


@pytest.mark.parametrize(
    "value",
    [
        lambda: None,
        object(),
        types.SimpleNamespace(a=1),
        type("Text", (str,), {})("a"),
        type("Number", (int,), {})(1),
        dt.datetime(2020, 1, 1, tzinfo=OddZone()),
        beyond_its_fields(),
        Incomplete(1),
        Failure(3),
        local_class(),
    ],
)
def test_a_value_that_would_not_come_back_whole_is_refused(value: Any) -> None:
    with pytest.raises(EncodingError, match=r"^value "):
        encode(value)


def test_a_cached_property_is_no_part_of_the_value() -> None:
    counted = Counted([1, 2])
    before = encode(counted)
    assert counted.total == 3
    assert encode(counted) == before


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(EncodingError, match="contains itself"):
        encode(endless)


@pytest.mark.parametrize(
    ("tree", "told"),
    [
        ({"$object": "nowhere:Thing", "fields": {}}, "nowhere"),
        ({"$object": "os:path", "fields": {}}, "neither an attrs class nor a dataclass"),
        ({"$enum": "os:getcwd", "name": "RED"}, "is not an enum"),
        ({"$flag": "os:getcwd", "value": 1}, "is not an enum"),
        ({"$namedtuple": "os:getcwd", "items": []}, "is not a named tuple"),
        ({"$new": 1}, "new"),
        ({"$uuid": "x"}, "badly formed"),
    ],
)
def test_a_tree_that_cannot_be_read_says_why(tree: Any, told: str) -> None:
    with pytest.raises(EncodingError, match=told):
        decode(tree)


def test_a_class_whose_fields_have_changed_is_told() -> None:
    tree = encode(Row(1))
    tree["fields"]["gone"] = tree["fields"].pop("cells")
    with pytest.raises(EncodingError, match=r"fields of .* have changed"):
        decode(tree)


def test_a_decoded_instance_is_not_initialised_again() -> None:
    value = uuid.UUID(int=5)
    assert decode(encode(Config(rate=value))) == Config(rate=value)
