"""What holds for every configuration: merging, reading, and settings there and back."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs
import pytest
import tomli_w
from hypothesis import example, given
from hypothesis import strategies as st

from plugbay.config.layers import Layer, Origin
from plugbay.config.merging import merge
from plugbay.config.schema import ComponentConfig, load_config
from plugbay.config.settings import structure_settings
from plugbay.errors import ConfigError
from plugbay.host.host import Component
from plugbay.stack.shipping import settings_table
from plugbay_hookspecs import Secret, component
from plugbay_hookspecs.catalogue import COMPONENT_TYPES
from plugbay_hookspecs.types import ComponentInfo

WORDS = ["stack", "stacks", "observers", "allow_pickle", "flavor", "env", "secret", "default", *COMPONENT_TYPES]
keys = st.sampled_from(WORDS) | st.text(max_size=4)
leaves = (
    st.sampled_from(["local", "progress", "default"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.integers(-(2**63), 2**63 - 1)
    | st.booleans()
    | st.floats()
    | st.dates()
    | st.datetimes()
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
tables = st.dictionaries(keys, values, max_size=4)
stacks = st.builds(
    lambda stack, rest: {**rest, "stacks": {"default": stack}},
    st.dictionaries(st.sampled_from([*COMPONENT_TYPES, "observers"]), values, max_size=4),
    tables,
)


def layers(found: list[dict[str, Any]]) -> list[Layer]:
    return [Layer(Origin(f"layer {index}", None), table) for index, table in enumerate(found)]


def leaves_of(table: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(table, dict):
        yield at, table
        return
    for key, value in table.items():
        yield from leaves_of(value, (*at, key))


def at(table: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        table = table[key]
    return table


@given(st.lists(tables | stacks, min_size=1, max_size=4))
def test_the_last_layer_wins(found: list[dict[str, Any]]) -> None:
    merged = merge(layers(found))
    for path, value in leaves_of(found[-1]):
        held = at(merged.table, path)
        if names_observers(path, value):
            assert held.keys() >= set(value)
        else:
            assert held is value or held == value


def names_observers(path: tuple[str, ...], value: Any) -> bool:
    """Whether it is a list that is added to the observers of the layers below."""
    place = path == ("observers",) or (len(path) == 3 and path[::2] == ("stacks", "observers"))
    return place and isinstance(value, list) and value != [] and all(isinstance(each, str) for each in value)


@given(st.lists(tables | stacks, min_size=1, max_size=4))
def test_the_origin_of_a_value_is_the_last_layer_that_has_it(found: list[dict[str, Any]]) -> None:
    merged = merge(layers(found))
    names = {f"layer {index}" for index in range(len(found))}
    for path, value in leaves_of(merged.table):
        origin = merged.origin(path)
        assert origin.source in names
        given_by = found[int(origin.source.removeprefix("layer "))]
        if path[-1] == "flavor" and not has(given_by, path):
            path = path[:-1]  # it was written in the short form
        assert at(given_by, path) is value
        later = found[int(origin.source.removeprefix("layer ")) + 1 :]
        assert not any(has(table, path) for table in later)


def has(table: Any, path: tuple[str, ...]) -> bool:
    try:
        return not isinstance(at(table, path), dict)
    except (KeyError, TypeError):
        return False


@given(tables | stacks)
def test_merging_changes_no_layer(table: dict[str, Any]) -> None:
    before = repr(table)
    merge(layers([table, {"stacks": {"default": {"orchestrator": {"x": 1}}}}, table]))
    assert repr(table) == before


@given(tables | stacks, tables | stacks)
def test_whatever_toml_can_say_is_read_or_refused_with_its_place(user: dict[str, Any], own: dict[str, Any]) -> None:
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        home, project = Path(directory, "home"), Path(directory, "project")
        home.mkdir()
        project.mkdir()
        patch.setenv("PLUGBAY_HOME", str(home))
        (home / "config.toml").write_text(tomli_w.dumps(user), encoding="utf-8")
        (project / "plugbay.toml").write_text(tomli_w.dumps(own), encoding="utf-8")
        problems: tuple[str, ...] = ()
        try:
            assert load_config(project).stacks
        except ConfigError as error:
            problems = error.problems
        places = (f"{home / 'config.toml'}: ", f"{project / 'plugbay.toml'}: ", "built-in configuration: ")
        assert all(problem.startswith(places) for problem in problems)
        assert all("\n" not in problem and "\x1b" not in problem for problem in problems)


@given(st.text(string.printable, max_size=20).filter(lambda text: "\0" not in text))
def test_whatever_a_variable_says_is_a_text_a_number_or_refused(text: str) -> None:
    with TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUGBAY_STACKS__DEFAULT__ORCHESTRATOR__X", text)
        patch.setenv("PLUGBAY_STACK", text)
        problems: tuple[str, ...] = ()
        try:
            assert load_config(Path(directory)).stack or not text
        except ConfigError as error:
            problems = tuple(error.problems)
        assert all(problem.startswith("environment variable PLUGBAY_STACK") for problem in problems)


@component
class Flavor:
    text: str = ""
    number: int = 0
    ratio: float = 0.0
    switch: bool = False
    path: Path | None = None
    token: Secret | None = None
    tokens: tuple[Secret, ...] = ()
    names: tuple[str, ...] = ()
    labels: dict[str, list[int]] = attrs.field(factory=dict)
    level: int | str = 0


secrets = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).map(lambda name: {"secret": name})
settings = st.fixed_dictionaries(
    {},
    optional={
        "text": st.text(),
        "number": st.integers(),
        "ratio": st.floats(allow_nan=False),
        "switch": st.booleans(),
        "path": st.sampled_from(["data", "/srv/data", "../x", "a b"]),
        "token": secrets,
        "tokens": st.lists(secrets, max_size=3),
        "names": st.lists(st.text(), max_size=3),
        "labels": st.dictionaries(st.text(), st.lists(st.integers(), max_size=3), max_size=3),
        "level": st.integers() | st.text(),
    },
)


@given(settings)
@example({"ratio": -0.0})
def test_settings_are_the_same_after_a_journey_to_another_machine(table: dict[str, Any]) -> None:
    def build(settings: Any, directory: Path | None) -> Any:
        config = ComponentConfig(
            type="orchestrator",
            name="x",
            flavor="x",
            settings=settings,
            source="file",
            keys=("x",),
            directory=directory,
        )
        return structure_settings(Flavor, config, lambda name: name), config

    def shown(plugin: Any) -> dict[str, Any]:
        return {name: repr(getattr(plugin, name)) for name in attrs.fields_dict(Flavor)}

    here, config = build(table, Path("/etc"))
    info = ComponentInfo(type="orchestrator", name="x", flavor="x", distribution=None, version=None)
    for given_config in (config, None):
        there, _ = build(settings_table(Component(info, here), given_config), None)
        assert shown(there) == shown(here)
