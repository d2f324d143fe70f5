"""Saving to a file that can only be written to, and loading both ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from plugbay_hookspecs.types import Serializer
from sharing import made_once


class WriteOnly:
    """A file with ``write`` and no other method."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.largest = 0

    def write(self, data: bytes) -> int:
        self.content += data
        self.largest = max(self.largest, len(data))
        return len(data)


def serializers_of(module: str) -> list[Serializer]:
    (entry_point,) = entry_points(group="plugbay.serializer", name=module)
    return list(entry_point.load()().serializers())


def serializer_for(value: object) -> Serializer:
    """Find the serializer as the host does: by the names of the value's classes, the most specific first."""
    for cls in type(value).__mro__:
        module = cls.__module__.partition(".")[0]
        if module in {"numpy", "pandas", "polars", "pyarrow"}:
            for serializer in serializers_of(module):
                if serializer.qualname == cls.__qualname__:
                    return serializer
    msg = f"no serializer for {type(value)}"
    raise LookupError(msg)


def save(value: object) -> bytes:
    file = WriteOnly()
    serializer_for(value).save(value, cast("BinaryIO", file))
    return bytes(file.content)


@pytest.fixture(scope="session")
def saved() -> Callable[[object], bytes]:
    """Save a value with the serializer of its type."""
    return save


@pytest.fixture(scope="session")
def described() -> Callable[[object], dict[str, object]]:
    """Give the metadata of a value."""
    return lambda value: dict(serializer_for(value).metadata(value))


@pytest.fixture(scope="session", params=["path", "memory"])
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[object], Any]:
    """Save a value and load it again, from a file on the disk and from one in memory."""
    # A name that a library could take for a pattern.
    directory = tmp_path_factory.mktemp("kept[1]")

    def keep(value: object) -> Any:
        content = save(value)
        if request.param == "memory":
            return serializer_for(value).load(BytesIO(content))
        path: Path = directory / f"{len(list(directory.iterdir()))}*"
        path.write_bytes(content)
        loaded = serializer_for(value).load(path)
        path.unlink()
        return loaded

    return keep


TAKE = """
import importlib, json, sys, warnings
warnings.simplefilter("ignore")
from plugbay.code.fingerprint import code_fingerprint
found = {}
for name in sys.argv[1:]:
    taken = code_fingerprint(importlib.import_module(name).target)
    found[name] = [taken.digest, [str(each) for each in taken.unknown]]
print(json.dumps(found))
"""


@pytest.fixture(scope="session")
def fingerprints(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, list[Any]]]:
    """Import modules that have one constant each, and take the fingerprints of functions that refer to it.

    A row is statements, an expression with a place marked by ``<>``, and the two things that stand there. Given are, by the name
    of the row, the digest and what is unknown: of the first content with two hash seeds, then of the second one with two.
    """

    def take(name: str, header: str, rows: Mapping[str, tuple[str, str, Any, Any]]) -> dict[str, list[Any]]:
        def fill(directory: Path) -> None:
            (directory / "taken.json").write_text(json.dumps(take_all(directory, header, rows)), encoding="utf-8")

        made = made_once(tmp_path_factory, name, fill)
        found: dict[str, list[Any]] = json.loads((made / "taken.json").read_text(encoding="utf-8"))
        return found

    return take


def take_all(directory: Path, header: str, rows: Mapping[str, tuple[str, str, Any, Any]]) -> dict[str, list[Any]]:
    names = {f"row{number}": name for number, name in enumerate(rows)}
    found: dict[str, list[Any]] = {name: [] for name in rows}
    for which in (0, 1):
        project = directory / str(which)
        project.mkdir()
        for module, name in names.items():
            setup, expression, *contents = rows[name]
            text = f"{header}\n{setup}\nCONSTANT = {expression}\ndef target(): return CONSTANT\n"
            (project / f"{module}.py").write_text(text.replace("<>", str(contents[which])), encoding="utf-8")
        for seed in ("0", "77"):
            done = subprocess.run(
                [sys.executable, "-c", TAKE, *names],
                cwd=project,
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(project)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            for module, value in json.loads(done.stdout.splitlines()[-1]).items():
                found[names[module]].append(value)
    return found
