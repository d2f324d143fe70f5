"""The values that cross a hook: found lazily, never changed, and what little they compute."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import attrs
import pytest

from plugbay_hookspecs import Secret, types
from plugbay_hookspecs.types import (
    BuildOptions,
    Check,
    Deployment,
    DeploymentFilter,
    ImageSpec,
    JobStatus,
    RegistryLogin,
    Report,
)

MODULES = sorted(file.stem for file in Path(types.__file__).parent.glob("[!_]*.py"))


@pytest.mark.parametrize("name", types.__all__)
def test_a_type_is_found_where_the_package_says(name: str) -> None:
    module = types._HOMES[name]
    assert getattr(types, name) is getattr(import_module(f"plugbay_hookspecs.types.{module}"), name)


@pytest.mark.parametrize("module", MODULES)
def test_every_class_of_a_module_is_exported_and_frozen(module: str) -> None:
    found = import_module(f"plugbay_hookspecs.types.{module}")
    for name, value in vars(found).items():
        if isinstance(value, type) and value.__module__ == found.__name__ and not name.startswith("_"):
            assert name in types.__all__
            if attrs.has(value):
                assert "__setattr__" in vars(value)
                assert value.__setattr__ is not attrs.define(type("Plain", (), {})).__setattr__


def test_a_type_is_loaded_when_it_is_first_used() -> None:
    code = "import sys, plugbay_hookspecs.types; print(any(name.startswith('plugbay_hookspecs.types.') for name in sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_an_unknown_type_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Nothing"):
        types.Nothing  # noqa: B018


def test_no_value_shows_a_secret() -> None:
    login = RegistryLogin(server="r", username="u", password=Secret("hunter2"))
    options = BuildOptions(reference="r/i:t", secrets={"pip.conf": Secret("hunter2")}, login=login)
    assert "hunter2" not in repr(options)


def test_an_image_specification_becomes_a_containerfile_that_needs_no_shell() -> None:
    spec = ImageSpec(
        base="python:3.11-slim",
        packages=("git",),
        requirements=('pandas>=2; python_version < "3.13"', "numpy"),
        files=("src/app.py",),
        environment={"QUOTED": 'a "b" $HOME \\ é'},
        commands=(("python", "-c", "print('it is $HOME')"),),
        secrets=("pip.conf",),
    )
    base, directory, environment, update, install, pip, copy, command = spec.instructions().splitlines()
    mount = "RUN --mount=type=secret,id=pip.conf "
    assert base == "FROM python:3.11-slim"
    assert directory == "WORKDIR /app"
    assert environment == 'ENV QUOTED="a \\"b\\" \\$HOME \\\\ é"'
    assert update == f'{mount}["apt-get", "update"]'
    assert json.loads(install.removeprefix(mount))[-1] == "git"
    assert json.loads(pip.removeprefix(mount))[-2:] == list(spec.requirements)
    assert json.loads(copy.removeprefix("COPY ")) == ["src/app.py", "/app/src/app.py"]
    assert json.loads(command.removeprefix(mount)) == list(spec.commands[0])


@pytest.mark.parametrize(
    "spec",
    [
        ImageSpec(base="a\nUSER root"),
        ImageSpec(base="a", environment={"A": "b\nUSER root"}),
        ImageSpec(base="a", requirements=("b\nUSER root",)),
    ],
)
def test_a_line_break_cannot_add_an_instruction(spec: ImageSpec) -> None:
    with pytest.raises(ValueError, match="line break"):
        spec.instructions()


def test_requirements_come_from_wheels_of_the_context_and_from_an_index() -> None:
    spec = ImageSpec(base="a", requirements=("mine",), wheels=("dist",), index="")
    _, _, copy, pip = spec.instructions().splitlines()
    assert json.loads(copy.removeprefix("COPY ")) == ["dist", "/opt/wheels/"]
    assert json.loads(pip.removeprefix("RUN "))[-3:] == ["--no-index", "--find-links=/opt/wheels", "mine"]
    elsewhere = ImageSpec(base="a", requirements=("mine",), index="https://example.com/simple")
    assert '"--index-url=https://example.com/simple", "mine"]' in elsewhere.instructions()


def test_the_name_of_a_file_is_no_variable_and_no_pattern() -> None:
    copied = ImageSpec(base="a", files=("$HOME's.txt",)).instructions().splitlines()[-1]
    assert json.loads(copied.removeprefix("COPY ")) == ["\\$HOME\\'s.txt", "/app/\\$HOME\\'s.txt"]
    for name in ("*.txt", "a[1]", "a\\b", "../a", "/a", ""):
        with pytest.raises(ValueError, match=re.escape(repr(name))):
            ImageSpec(base="a", files=(name,)).instructions()


@pytest.mark.parametrize(
    "spec",
    [
        ImageSpec(base="a AS b"),
        ImageSpec(base=""),
        ImageSpec(base="a", environment={"A B": "c"}),
        ImageSpec(base="a", secrets=("a,src=/etc/passwd",), commands=(("true",),)),
        ImageSpec(base="a", requirements=("--pre",)),
    ],
)
def test_a_name_that_is_none_is_refused(spec: ImageSpec) -> None:
    with pytest.raises(ValueError, match="is no "):
        spec.instructions()


@pytest.mark.parametrize(
    ("state", "ended"),
    [("queued", False), ("running", False), ("succeeded", True), ("failed", True), ("cancelled", True)],
)
def test_a_job_has_ended_when_nothing_more_happens_to_it(state: types.JobState, ended: bool) -> None:
    assert JobStatus(state=state).ended is ended


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (DeploymentFilter(), True),
        (DeploymentFilter(name="flights", state="running", model="m", labels={"run": "1"}), True),
        (DeploymentFilter(name="trains"), False),
        (DeploymentFilter(state="stopped"), False),
        (DeploymentFilter(model="n"), False),
        (DeploymentFilter(labels={"run": "2"}), False),
        (DeploymentFilter(labels={"stage": "1"}), False),
    ],
)
def test_a_deployment_agrees_with_everything_a_filter_gives(filters: DeploymentFilter, found: bool) -> None:
    flights = Deployment(id="1", name="flights", state="running", model="m", labels={"run": "1", "step": "train"})
    assert filters.matches(flights) is found


def test_a_check_is_called_by_its_name_or_by_its_kind_and_column() -> None:
    assert Check(kind="unique").label == "unique"
    assert Check(kind="unique", column="id").label == "unique[id]"
    assert Check(kind="unique", column="id", name="ids are unique").label == "ids are unique"


def test_a_report_does_not_show_its_page() -> None:
    assert "<html>" not in repr(Report(passed=True, html="<html>"))
