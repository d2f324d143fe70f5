"""Saving to a file that can only be written to, and loading both ways."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from plugbay_hookspecs.types import Serializer


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
