"""What is pinned, and what has to be: `constraints.txt`, and the requirements of tox.ini and of every distribution."""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("constraints.txt")
PYTHONS = ("3.11", "3.12", "3.13")
DRIVER = ("tox>=4.20", "tox-uv>=1.20", "virtualenv")
"""What starts the environments."""
OF_THE_GUIDE = ("build", "twine")
"""What docs/guide/write-an-orchestrator.md installs, which a test follows."""
WITHOUT_PANDAS_3 = ("plugins/feast", "plugins/mlflow")
"""Distributions whose libraries do not know pandas 3: pinned for the first Python only, so that the others test pandas 3."""


@frozen
class Direct:
    """A requirement of another project's distribution, and the file that states it."""

    requirement: Requirement
    source: str


def read_pins(text: str) -> list[Requirement]:
    """Read the lines of a constraints file."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line]


def direct_requirements() -> list[Direct]:
    """All that tox.ini, the distributions with their extras and builds, and the driver ask for by name."""
    found = [Direct(Requirement(line), "tests/pins/pins.py") for line in (*DRIVER, *OF_THE_GUIDE)]
    found += [Direct(requirement, "tox.ini") for requirement in _of_tox()]
    for folder in distributions():
        found += [Direct(requirement, f"{folder}/pyproject.toml") for requirement in declared(folder)]
        found += [Direct(requirement, f"{folder}/pyproject.toml") for requirement in _of_build(folder)]
    return found


def distributions() -> list[str]:
    """The folders of the distributions of this repository."""
    files = [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
    return sorted(str(file.parent.relative_to(ROOT)) for file in files)


def of_the_plain_tests() -> list[str]:
    """The folders of the distributions that the plain tests need."""
    return [line.removeprefix("-e {tox_root}/") for line in tox_lines("distributions", "editable")]


def declared(folder: str) -> list[Requirement]:
    """What a distribution and its extras require of other projects."""
    project = _pyproject(folder)["project"]
    lines = [*project.get("dependencies", []), *_all(project.get("optional-dependencies", {}).values())]
    found = [Requirement(line) for line in lines]
    if folder in WITHOUT_PANDAS_3:
        found = [Requirement(f'{requirement} ; python_version < "3.12"') for requirement in found]
    return [requirement for requirement in found if not _is_ours(requirement)]


def tox_lines(section: str, key: str = "deps") -> list[str]:
    """The lines of a setting of tox.ini, with what they refer to put in."""
    tox = tox_ini()
    return list(_lines(tox, tox[section][key]))


def tox_ini() -> configparser.ConfigParser:
    """The sections of tox.ini, with nothing put in."""
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini")
    return tox


def _of_tox() -> list[Requirement]:
    tox = tox_ini()
    environments = [name for name in tox.sections() if name.startswith("testenv")]
    lines = dict.fromkeys(_all(_lines(tox, tox[name].get("deps", "")) for name in environments))
    return [Requirement(line) for line in lines if not line.startswith(("-", "{"))]


def _lines(tox: configparser.ConfigParser, text: str) -> Iterator[str]:
    for written in text.splitlines():
        line = re.sub(r"(^|\s)#.*", "", written).strip()
        reference = re.fullmatch(r"\{\[(.+)\](.+)\}", line)
        if reference:
            yield from _lines(tox, tox[reference[1]][reference[2]])
        elif line.startswith("-r "):
            yield from _lines(tox, (ROOT / line.removeprefix("-r {tox_root}/")).read_text())
        elif line:
            yield line


def _of_build(folder: str) -> list[Requirement]:
    return [Requirement(line) for line in _pyproject(folder)["build-system"]["requires"]]


def _pyproject(folder: str) -> dict:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())


def _is_ours(requirement: Requirement) -> bool:
    return canonicalize_name(requirement.name).partition("-")[0] == "plugbay"


def _all(groups: Iterable[Iterable[str]]) -> list[str]:
    return [line for group in groups for line in group]
