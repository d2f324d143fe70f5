"""Bytes and texts that nobody would write, for everything that reads what a person, a file or a store gives it.

Derandomized: the same inputs at every run. With ``PLUGBAY_FAULT_LONG=1`` twenty times as many. ``fuzz`` beside this file has
the same targets for atheris, which searches by coverage.
"""

from __future__ import annotations

import argparse
import datetime as dt
import decimal
import enum
import os
import pathlib
import tempfile
import typing
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest
from attrs import frozen
from faultlab.here import here
from faultlab.lab import Lab
from faultlab.mutation import changed_bytes, changed_values
from faultlab.tally import Tally
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import plugbay
from plugbay import Stack, pipeline
from plugbay.cli import gc, runs
from plugbay.cli.entry import main as command_line
from plugbay.cli.from_text import value_of_text
from plugbay.cli.from_toml import value_of_tree
from plugbay.cli.parameters import read_parameters
from plugbay.config.schema import Config, load_config
from plugbay.config.settings import SettingsError, structure_settings
from plugbay.errors import ConfigError, NotFoundError, PlanError, StoreError
from plugbay.execution.caching import find_cached
from plugbay.history.index import RunIndex
from plugbay.history.reader import Reader
from plugbay.serializers.choice import SerializationError
from plugbay.stack.keys import check_key, check_prefix
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.objects.keys import parts_of

LONG = os.environ.get("PLUGBAY_FAULT_LONG") == "1"
DEADLINE = dt.timedelta(seconds=5)


def examples(count: int) -> settings:
    """So many examples, always the same, none of which may take long."""
    return settings(
        max_examples=count * (20 if LONG else 1),
        derandomize=True,
        database=None,
        deadline=DEADLINE,
        suppress_health_check=list(HealthCheck),
    )


pytestmark = pytest.mark.timeout(1800 if LONG else 120)

# -- configuration -----------------------------------------------------------------------------------------------------

WORDS = (
    'stack = "default"', "[stacks.default]", "[stacks.a.orchestrator]", 'artifact_store = "local"', 'flavor = "local"',
    "workers = 2", "observers = [", '"progress"', "]", "allow_pickle = 1", "path = { env = 'HOME' }", "{ secret = 'x' }",
    "[[stacks]]", "stacks = 3", '"" = 1', "=", "[", "{", "'''", "1979-05-27", "nan", "0x", "9" * 5000, "[" * 300, "\n", "\x00",
    "[observers.progress]", "flavr = 'x'", "a.b.c = 1", "\ufeff", "é = 1", "[tool.plugbay]",
)  # fmt: skip
CONFIGS = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(WORDS), max_size=12).map(lambda parts: "\n".join(parts).encode("utf-8", "surrogatepass")),
    st.lists(st.one_of(st.sampled_from(WORDS), st.text(max_size=8)), max_size=12).map(
        lambda parts: " ".join(parts).encode("utf-8", "surrogatepass")
    ),
)


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@examples(400)
@given(content=CONFIGS, name=st.sampled_from(["plugbay.toml", "pyproject.toml", "config.toml"]))
def test_any_configuration_file_is_read_or_refused_with_its_name(
    content: bytes, name: str, empty_home: Path, tally: Tally
) -> None:
    """Injects: bytes and pieces of TOML in the project's and the user's file. Proves: a configuration, or a ``ConfigError`` that
    names the file."""
    directory = empty_home / ("home" if name == "config.toml" else "project")
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_bytes(content)
    tally.fault("fuzzed configurations")
    try:
        config = load_config(empty_home / "project") if (empty_home / "project").is_dir() else load_config(empty_home)
        assert isinstance(config, Config)
        config.stack_config()
    except ConfigError:
        return
    finally:
        path.unlink()


@examples(200)
@given(name=st.text("ABCSTACKS_OBSERVERS", min_size=1, max_size=20), text=st.one_of(st.text(), st.sampled_from(WORDS)))
def test_any_environment_variable_is_read_or_refused(name: str, text: str, empty_home: Path, tally: Tally) -> None:
    """Injects: texts in ``PLUGBAY_*`` variables. Proves: a configuration, or a ``ConfigError``."""
    tally.fault("fuzzed configurations")
    text = text.replace("\0", "").encode("utf-8", "ignore").decode()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(f"PLUGBAY_{name}", text)
        try:
            load_config(empty_home)
        except ConfigError:
            return


TREES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.dates(), st.datetimes()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@examples(200)
@given(tree=TREES, key=st.one_of(st.just("path"), st.text(max_size=6)))
def test_any_setting_of_a_component_is_read_or_refused(tree: Any, key: str, empty_home: Path, tally: Tally) -> None:
    """Injects: values of every type for the settings of the local store. Proves: a store, or a ``SettingsError``."""
    tally.fault("fuzzed configurations")
    from plugbay.config.layers import Layer, Origin
    from plugbay.config.merging import merge
    from plugbay.config.schema import _Reader

    table = {"stack": "s", "stacks": {"s": {"artifact_store": {"flavor": "local", key: tree}, "orchestrator": "local"}}}
    reader = _Reader(merge([Layer(Origin("test", empty_home), table)]))
    config = reader.config(("test",))
    for component in config.stacks["s"].components if "s" in config.stacks else ():
        if component.type == "artifact_store":
            try:
                structure_settings(LocalArtifactStore, component, lambda name: name)
            except SettingsError:
                continue


# -- documents ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A store with documents of every kind: a run with a map, one that failed and was resumed."""
    lab = Lab(tmp_path_factory.mktemp("fuzz") / "lab")
    small = lab.project / "small.py"
    whole = small.read_text()
    assert lab.plugbay("run", "steady.py", "-p", "count=2", "--stack", "inline").code == 0
    small.write_text(whole.replace("    return len(content)", "    return 1 // 0"))
    assert lab.plugbay("run", "small.py", "--stack", "inline").code == 1
    small.write_text(whole)
    assert lab.plugbay("run", "--resume", "last", "--stack", "inline").code == 0
    return lab


@pytest.fixture
def reading(written: Lab) -> Iterator[Reader]:
    with here(written):
        stack = Stack.load("inline")
        with stack:
            yield Reader(stack)


def use(reader: Reader, key: str) -> None:
    """Read a document by all the ways there are."""
    parts = key.split("/")
    if parts[0] == "cache":
        find_cached(parts[-1].removesuffix(".json"), reader.store, reader.artifacts)
        return
    run_id = parts[1]
    record = reader.run_record(run_id)
    reader.status(record, reader.end_record(run_id))
    run = plugbay.get_run(run_id, stack=reader.stack)
    assert run.created
    for step in run.steps:
        assert step.status is None or step.id
        for output in step.outputs.values():
            with suppress(SerializationError):  # it names a serializer that no plugin has
                output.load()


@examples(500)
@given(seed=st.integers(0, 2**32), values=st.booleans())
def test_any_document_in_the_store_is_read_or_reported(
    seed: int, values: bool, written: Lab, reading: Reader, tally: Tally
) -> None:
    """Injects: a plan, an end, a record, a driver's claim or a cache entry with changed bytes or values. Proves: whatever reads it
    returns, or raises ``StoreError`` or ``NotFoundError``; all runs can still be listed."""
    chance = Random(seed)
    keys = sorted(filter(lambda key: key.endswith(".json"), written.keys()))
    key = chance.choice(keys)
    path = written.store / key
    content = path.read_bytes()
    path.write_bytes((changed_values if values else changed_bytes)(content, chance))
    tally.fault("fuzzed documents")
    try:
        try:
            use(reading, key)
        except (StoreError, NotFoundError):
            pass
        rows = RunIndex(Path(tempfile.mkdtemp(dir=written.directory)) / "index.sqlite").rows(reading)
        assert len(rows) >= 1
    finally:
        path.write_bytes(content)


@examples(60)
@given(seed=st.integers(0, 2**32), values=st.booleans())
def test_no_document_gives_a_command_an_internal_error(
    seed: int, values: bool, written: Lab, reading: Reader, tally: Tally, capfd: pytest.CaptureFixture[str]
) -> None:
    """Injects: as above. Proves: ``runs``, ``show`` and ``gc --dry-run`` end with 0 or 2."""
    chance = Random(seed)
    key = chance.choice(sorted(filter(lambda key: key.startswith("runs/") and key.endswith(".json"), written.keys())))
    path = written.store / key
    content = path.read_bytes()
    path.write_bytes((changed_values if values else changed_bytes)(content, chance))
    tally.fault("fuzzed documents")
    try:
        for words in (["runs"], ["runs", "--json"], ["show", key.split("/")[1]], ["gc", "--dry-run", "--keep", "0"]):
            code = command_line([*words, "--stack", "inline"])
            told = capfd.readouterr()
            assert code in (0, 2), (words, key, path.read_bytes(), told.err)
            assert words[0] != "runs" or code == 0
    finally:
        path.write_bytes(content)


# -- keys --------------------------------------------------------------------------------------------------------------

KEYS = st.one_of(
    st.text(max_size=40),
    st.lists(st.sampled_from(["a", "..", ".", "", "/", "\\", "\0", "\x85", "é", "x" * 256, ".scratch", "\ud800"])).map(
        "/".join
    ),
)


@examples(500)
@given(key=KEYS)
def test_any_key_is_refused_or_stays_in_the_store(key: str, empty_home: Path, tally: Tally) -> None:
    """Injects: texts as keys. Proves: ``ValueError``; or the object lies below the root, is read back and listed."""
    tally.fault("fuzzed keys")
    store = LocalArtifactStore(path=empty_home / "store")
    try:
        check_key(key)
        parts_of(key)
    except ValueError:
        return
    check_prefix(f"{key}/")
    store.artifact_store_put(key=key, source=b"x", if_absent=False, durable=False)
    assert store.artifact_store_get(key=key) == b"x"
    assert [found.key for found in store.artifact_store_list(prefix="", after=None, recursive=True)] == [key]
    (path,) = (path for path in (empty_home / "store").rglob("*") if path.is_file())
    assert path.relative_to(empty_home / "store").as_posix() == key
    store.artifact_store_delete(keys=[key])
    assert list(store.artifact_store_list(prefix="", after=None, recursive=True)) == []


# -- the command line --------------------------------------------------------------------------------------------------


class Colour(enum.Enum):
    RED = 1


@frozen
class Model:
    depth: int = 3
    names: tuple[str, ...] = ()


HINTS: tuple[Any, ...] = (
    str, int, float, complex, bool, bytes, None, Any, decimal.Decimal, uuid.UUID, dt.datetime, dt.date, dt.time, pathlib.Path,
    pathlib.PurePosixPath, Colour, Literal["a", 1, None], int | None, str | int, list[int], dict[str, float], tuple[int, str],
    tuple[int, ...], set[str], frozenset[int], Model, list[Model] | None, dict[int, list[Colour]], typing.NewType("Id", int),
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["~nobody/x", "~", "[" * 5000, "{" * 5000, "9" * 5000, "1e999", "-1e999", "nan", "1_0", "0x1F", "none", "1\nx = 2",
                     "\ud800", "[1, 'a', {b=2}]", "{depth = 1e9}", "1979-05-27T07:32:00Z", "25:00", "\0", "'", '"""', "RED"]),
    st.lists(st.sampled_from(["[", "]", "{", "}", "=", ",", "1", "'a'", "a", " ", "\n", "#", ".", "-"])).map("".join),
)  # fmt: skip


@examples(1500)
@given(text=TEXTS, number=st.integers(0, len(HINTS) - 1))
def test_any_text_of_a_parameter_is_a_value_or_a_problem(text: str, number: int, tally: Tally) -> None:
    """Injects: texts for parameters of 29 types. Proves: a value, or problems that begin with where it is."""
    tally.fault("fuzzed parameters")
    _, problems = value_of_text(text, HINTS[number], "parameter 'x'")
    assert all(problem.startswith("parameter 'x'") for problem in problems)


@examples(400)
@given(tree=TREES, number=st.integers(0, len(HINTS) - 1))
def test_any_tree_of_a_parameter_is_a_value_or_a_problem(tree: Any, number: int, tally: Tally) -> None:
    """Injects: as above, as a file of parameters gives them."""
    tally.fault("fuzzed parameters")
    _, problems = value_of_tree(tree, HINTS[number], "parameter 'x'")
    assert all("parameter 'x'" in problem for problem in problems)


@pipeline
def fuzzed(number: int, model: Model | None = None, where: pathlib.Path = pathlib.Path()) -> None:
    """Takes parameters, and does nothing."""


@examples(300)
@given(
    given_=st.lists(st.one_of(TEXTS, TEXTS.map("number={}".format), TEXTS.map("model={}".format)), max_size=3),
    file=CONFIGS,
)
def test_any_parameters_are_read_or_refused(given_: list[str], file: bytes, empty_home: Path, tally: Tally) -> None:
    """Injects: words behind ``-p`` and bytes in a ``--params`` file. Proves: values, or a ``PlanError`` with every problem."""
    tally.fault("fuzzed parameters")
    (empty_home / "params.toml").write_bytes(file)
    for path in (None, str(empty_home / "params.toml")):
        try:
            values = read_parameters(fuzzed, given_, path)
            assert set(values) <= {"number", "model", "where"}
        except PlanError:
            continue


@examples(200)
@given(text=st.one_of(st.text(max_size=12), st.from_regex(r"\d{1,400}(\.\d+)?[smhdw]", fullmatch=True)))
def test_any_count_and_duration_is_a_number_or_refused(text: str, tally: Tally) -> None:
    """Injects: texts for ``--keep``, ``--limit`` and ``--older-than``. Proves: a number, or what argparse takes for a wrong one."""
    tally.fault("fuzzed parameters")
    for parse in (gc._duration, gc._count, runs._limit):
        try:
            assert parse(text) >= 0
        except (argparse.ArgumentTypeError, ValueError):
            continue


RUN_IDS = st.one_of(
    st.text(max_size=50),
    st.text("0123456789abcdef-", max_size=40),
    st.sampled_from(
        ["last", "LAST", "../..", "00000000-0000-7000-0000-000000000000", "x" * 300, "*", "%", "\udcff", " ", "é"]
    ),
)


@examples(150)
@given(
    run_id=RUN_IDS,
    command=st.sampled_from(["show", "logs", "resume", "cancel", "get"]),
    step=st.one_of(RUN_IDS, st.just("seed")),
)
def test_any_run_on_the_command_line_is_found_or_refused(
    run_id: str, command: str, step: str, reading: Reader, tally: Tally, capfd: pytest.CaptureFixture[str]
) -> None:
    """Injects: texts as runs and steps. Proves: exit code 0 or 2, and no internal error."""
    tally.fault("fuzzed runs")
    words = {
        "show": ["show", run_id],
        "logs": ["logs", run_id, step],
        "resume": ["run", "--resume", run_id],
        "cancel": ["cancel", run_id],
        "get": ["artifacts", "get", run_id, step, "-o", "-"],
    }[command]
    code = command_line([*words, "--stack", "inline"])
    told = capfd.readouterr()
    assert code in (0, 2), told.err
    assert "internal error" not in told.err
