"""From a component's table to an instance of its flavor, and every problem on the way at once."""

from __future__ import annotations

import datetime
import enum
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import attrs
import pytest
from attrs import field

from plugbay.config.layers import Origin
from plugbay.config.schema import ComponentConfig
from plugbay.config.settings import SettingsError, structure_settings
from plugbay.config.sourced import SourcedText
from plugbay_hookspecs import Secret, component


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


@attrs.define(kw_only=True)
class Retry:
    times: int
    delay: float = 1.0


@component
class Flavor:
    text: str = "text"
    number: int = 1
    ratio: float = 0.5
    switch: bool = False
    path: Path | None = None
    token: Secret | None = None
    tokens: list[Secret] = field(factory=list)
    limit: int | None = None
    level: int | str = 0
    mode: Literal["fast", "safe"] = "fast"
    size: Size = Size.SMALL
    names: Sequence[str] = ()
    pair: tuple[int, str] | None = None
    chosen: frozenset[str] = frozenset()
    labels: Mapping[str, int] = field(factory=dict)
    retry: Retry | None = None
    retries: list[Retry] = field(factory=list)
    day: datetime.date | None = None
    anything: Any = None
    positive: int = field(default=1, validator=attrs.validators.gt(0))
    _hidden: int = 0
    state: int = field(init=False, default=7)


@component
class Needy:
    bucket: str
    region: str


def config(settings: Mapping[str, Any], **changes: Any) -> ComponentConfig:
    keys = ("stacks", "prod", "orchestrator")
    plain = ComponentConfig(
        type="orchestrator", name="orchestrator", flavor="big", settings=settings, source="plugbay.toml", keys=keys
    )
    return attrs.evolve(plain, **changes)


def never(name: str) -> str:
    raise AssertionError(name)


def made(settings: Mapping[str, Any], **changes: Any) -> Any:
    return structure_settings(Flavor, config(settings, **changes), never)


def problems(settings: Mapping[str, Any], flavor: type = Flavor, **changes: Any) -> list[str]:
    with pytest.raises(SettingsError) as raised:
        structure_settings(flavor, config(settings, **changes), never)
    prefix = "plugbay.toml: stacks.prod.orchestrator"
    assert all(problem.startswith(prefix) for problem in raised.value.problems)
    return [problem.removeprefix(prefix).removeprefix(".") for problem in raised.value.problems]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text", "x", "x"),
        ("ratio", 2, 2.0),
        ("switch", True, True),
        ("limit", 3, 3),
        ("level", 3, 3),
        ("level", "high", "high"),
        ("mode", "safe", "safe"),
        ("size", "large", Size.LARGE),
        ("pair", [1, "a"], (1, "a")),
        ("chosen", ["a", "a"], frozenset({"a"})),
        ("labels", {"a": 1}, {"a": 1}),
        ("retry", {"times": 3}, Retry(times=3)),
        ("retries", [{"times": 3, "delay": 2}], [Retry(times=3, delay=2.0)]),
        ("day", datetime.date(2026, 1, 2), datetime.date(2026, 1, 2)),
        ("anything", {"a": [1, "b"]}, {"a": [1, "b"]}),
    ],
)
def test_a_table_becomes_what_the_fields_are_annotated_with(name: str, value: Any, expected: Any) -> None:
    found = getattr(made({name: value}), name)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("text", 3, "text: expected str, got 3"),
        ("text", {"password": "hunter2"}, "text: expected str, got a table"),
        ("text", {"secret": "x"}, "text: expected str, got a secret: this setting is shown and cannot hold one"),
        ("number", "3", "number: expected int, got '3'"),
        ("number", 3.0, "number: expected int, got 3.0"),
        ("number", True, "number: expected int, got True"),
        ("ratio", True, "ratio: expected float, got True"),
        ("switch", 1, "switch: expected bool, got 1"),
        ("path", 3, "path: expected a path, got 3"),
        ("level", 1.5, "level: expected int | str, got 1.5"),
        ("mode", "saef", "mode: expected one of 'fast', 'safe', got 'saef'; did you mean 'safe'?"),
        ("size", "huge", "size: 'huge' is not a valid Size"),
        ("names", "abc", "names: expected a list, got 'abc'"),
        ("names", ["a", 3], "names.1: expected str, got 3"),
        ("chosen", "abc", "chosen: expected a list, got 'abc'"),
        ("labels", ["a"], "labels: expected a table, got a list"),
        ("labels", {"a": "b"}, "labels.a: expected int, got 'b'"),
        ("retry", 3, "retry: expected a table, got 3"),
        ("retry", {}, "retry: the setting 'times' is missing"),
        ("retries", [{"times": 1}, {"times": "a"}], "retries.1.times: expected int, got 'a'"),
        ("day", datetime.datetime(2026, 1, 2), None),
        ("token", 3, 'token: expected a text, { secret = "name" } or { env = "NAME" }'),
        ("token", ["hunter2"], 'token: expected a text, { secret = "name" } or { env = "NAME" }'),
        ("tokens", "hunter2", "tokens: expected a list"),
        ("positive", 0, ": 'positive' must be > 0: 0"),
    ],
)
def test_a_value_that_does_not_fit_is_an_error_with_its_place(name: str, value: Any, expected: str | None) -> None:
    (found,) = problems({name: value})
    if expected is None:
        assert found.startswith(f"{name}: expected datetime.date, got datetime.datetime(")
    else:
        assert found == expected


def test_every_problem_is_reported() -> None:
    found = problems({"numbr": 1, "text": 3, "retry": {"tmes": 1}, "state": 1})
    assert len(found) == 5
    assert "text: expected str, got 3" in found
    assert "retry: the setting 'times' is missing" in found
    assert any(f.startswith("numbr: unknown setting; did you mean 'number'? (orchestrator 'big' has: ") for f in found)
    assert any(f.startswith("retry.tmes: unknown setting; did you mean 'times'?") for f in found)
    assert any(f.startswith("state: unknown setting") for f in found)


def test_every_missing_setting_is_reported() -> None:
    assert problems({}, Needy) == [": the setting 'bucket' is missing", ": the setting 'region' is missing"]


def test_a_private_field_is_set_by_its_public_name_and_a_computed_one_not_at_all() -> None:
    assert made({"hidden": 3})._hidden == 3
    (unknown,) = problems({"_hidden": 3})
    assert "did you mean 'hidden'?" in unknown
    assert "state" not in unknown


def test_what_a_validator_raises_is_no_missing_setting() -> None:
    @component
    class Picky:
        name: str = field(default="x")

        @name.validator
        def _check(self, _attribute: Any, value: str) -> None:
            raise KeyError(value)

    assert problems({"name": "name"}, Picky) == [": 'name'"]


class TestPaths:
    def test_a_relative_one_starts_at_the_directory_of_its_file(self) -> None:
        assert made({"path": "data"}, directory=Path("/etc")).path == Path("/etc/data")

    def test_one_that_stands_in_another_file_starts_there(self) -> None:
        overrides = {("path",): Origin("other.toml", Path("/srv"))}
        assert made({"path": "data"}, directory=Path("/etc"), overrides=overrides).path == Path("/srv/data")

    def test_one_from_a_variable_starts_at_the_current_directory(self) -> None:
        overrides = {("path",): Origin("environment variable X", None)}
        assert made({"path": "data"}, directory=Path("/etc"), overrides=overrides).path == Path("data")

    def test_the_home_directory_is_filled_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", "/home/me")
        assert made({"path": "~/data"}, directory=Path("/etc")).path == Path("/home/me/data")

    def test_an_error_names_the_file_in_which_the_setting_stands(self) -> None:
        overrides = {("number",): Origin("other.toml", None)}
        with pytest.raises(SettingsError) as raised:
            made({"number": "x", "text": 3}, overrides=overrides)
        assert raised.value.problems == [
            "plugbay.toml: stacks.prod.orchestrator.text: expected str, got 3",
            "other.toml: stacks.prod.orchestrator.number: expected int, got 'x'",
        ]


class TestReferencesToVariables:
    @pytest.mark.parametrize(
        ("name", "text", "expected"),
        [
            ("text", "3", "3"),
            ("number", "3", 3),
            ("ratio", "2", 2.0),
            ("ratio", "1e3", 1000.0),
            ("switch", "true", True),
            ("switch", "False", False),
            ("limit", "3", 3),
            ("level", "3", 3),
            ("level", "high", "high"),
            ("mode", "safe", "safe"),
            ("path", "/data", Path("/data")),
            ("day", "2026-01-02", datetime.date(2026, 1, 2)),
            ("anything", "3", "3"),
        ],
    )
    def test_the_text_is_read_as_the_type_says(
        self, monkeypatch: pytest.MonkeyPatch, name: str, text: str, expected: Any
    ) -> None:
        monkeypatch.setenv("SETTING", text)
        found = getattr(made({name: {"env": "SETTING"}}), name)
        assert (found, type(found)) == (expected, type(expected))

    @pytest.mark.parametrize(
        ("name", "expected"), [("number", "int"), ("switch", "true or false"), ("day", "datetime.date")]
    )
    def test_a_text_that_cannot_be_read_is_an_error_that_names_the_variable(
        self, monkeypatch: pytest.MonkeyPatch, name: str, expected: str
    ) -> None:
        monkeypatch.setenv("SETTING", "x")
        assert problems({name: {"env": "SETTING"}}) == [
            f"{name}: expected {expected}, got 'x' from the environment variable SETTING"
        ]

    @pytest.mark.parametrize("name", ["text", "number", "token", "names", "retry"])
    def test_a_variable_that_is_not_set_is_one_error(self, name: str) -> None:
        value: Any = {"env": "NOT_SET"}
        place = name
        if name == "names":
            value, place = [value], "names.0"
        if name == "retry":
            value, place = {"times": value}, "retry.times"
        assert problems({name: value}) == [f"{place}: the environment variable NOT_SET is not set"]

    def test_a_value_of_a_plugbay_variable_is_what_the_type_says(self) -> None:
        text = SourcedText("12", "PLUGBAY_X", 12)
        found = made({"text": text, "number": text, "ratio": text, "token": text, "anything": text})
        assert (found.text, found.number, found.ratio, found.anything) == ("12", 12, 12.0, 12)
        assert found.token.reveal() == "12"
        assert {type(found.text), type(found.anything)} == {str, int}

    def test_a_sourced_text_can_be_sent_to_another_process(self) -> None:
        found = pickle.loads(pickle.dumps(SourcedText("12", "X", 12, Path("/etc"))))
        assert (found, found.variable, found.value, found.directory) == ("12", "X", 12, Path("/etc"))


class TestSecrets:
    def test_one_is_looked_up_when_it_is_used(self) -> None:
        asked: list[str] = []

        def fetch(name: str) -> str:
            asked.append(name)
            return "hunter2"

        found = structure_settings(Flavor, config({"token": {"secret": "db"}}), fetch)
        assert asked == []
        assert found.token.reveal() == "hunter2"
        assert asked == ["db"]
        assert found.token.reference == "secret:db"

    def test_one_from_a_variable_refers_to_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TOKEN", "hunter2")
        found = made({"token": {"env": "TOKEN"}}).token
        assert (found.reveal(), found.reference) == ("hunter2", "env:TOKEN")

    def test_one_written_out_has_no_reference(self) -> None:
        found = made({"token": "hunter2", "tokens": ["hunter3"]})
        assert (found.token.reveal(), found.token.reference) == ("hunter2", None)
        assert found.tokens[0].reveal() == "hunter3"

    @pytest.mark.parametrize("value", ["hunter2", {"secret": "db"}, {"env": "TOKEN"}])
    def test_the_value_is_shown_nowhere(self, monkeypatch: pytest.MonkeyPatch, value: Any) -> None:
        monkeypatch.setenv("TOKEN", "hunter2")
        settings = {"token": value, "tokens": [value]}
        described = config(settings)
        instance = structure_settings(Flavor, described, lambda _: "hunter2")
        assert "hunter2" not in f"{instance!r} {instance} {described!r} {described}"

    def test_it_cannot_be_pickled(self) -> None:
        with pytest.raises(
            TypeError, match=r"^Secret\('\*\*\*'\) cannot be pickled: a secret does not leave its process"
        ):
            pickle.dumps(Secret("hunter2"))

    def test_a_problem_elsewhere_does_not_show_it(self) -> None:
        found = problems({"token": "hunter2", "tokens": ["hunter2"], "number": "x", "tokn": "hunter2"})
        assert len(found) == 2
        assert "hunter2" not in "".join(found)
