"""The distributions on ``sys.path``, as their metadata directories tell.

They are read without ``importlib.metadata``: importing that takes a tenth of a short run. It is asked only where a listing of
directories does not show everything.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import Distribution

_SUFFIXES = (".dist-info", ".egg-info")
_LEFTOVER = "~-."
"""How the name of a metadata directory begins that tells of no distribution: pip marks so what it is about to remove."""
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


class Installed:
    """A distribution."""

    def __init__(self, directory_name: str, read: Callable[[str], str | None]) -> None:
        """Know its name as that of its metadata directory has it: ``acme_good``.

        :param read: gives the text of a file of its metadata, ``None`` when there is no such file.
        """
        self.directory_name, self.read = directory_name, read

    def is_whole(self) -> bool:
        """Whether it has what every distribution has; an interrupted installation or removal leaves some of it."""
        try:
            return bool(self.read("METADATA") or self.read("PKG-INFO"))
        except UnicodeDecodeError:
            return True

    def entry_points(self) -> Iterator[tuple[str, str, str]]:
        """Yield the group, the name and the value of each. Raises ``ValueError`` for what is no entry point."""
        group = None
        for line in map(str.strip, (self.read("entry_points.txt") or "").splitlines()):
            if line.startswith("[") and line.endswith("]"):
                group = line[1:-1]
            elif line and not line.startswith("#"):
                name, equals, value = line.partition("=")
                if group is None or not equals:
                    msg = f"{line!r:.60} in entry_points.txt is no entry point"
                    raise ValueError(msg)
                yield group, name.strip(), value.strip()

    def metadata(self) -> dict[str, list[str]]:
        """The values of each field, by its name in lower case: ``requires-dist``."""
        text = self.read("METADATA") or self.read("PKG-INFO") or ""
        found: dict[str, list[str]] = {}
        for line in text.lstrip().partition("\n\n")[0].splitlines():
            if not line[:1].isspace():  # else it goes on with a description
                name, _, value = line.partition(":")
                found.setdefault(name.lower(), []).append(value.strip())
        return found


def installed(path: Sequence[str]) -> Iterator[Installed]:
    """Yield the distributions in the order in which imports find them."""
    if any(_finds_distributions(finder) for finder in sys.meta_path):
        yield from _asked(path)
        return
    for entry in path:
        directory = Path(entry)
        try:
            names = sorted(name for name in os.listdir(directory) if _is_metadata(name))  # noqa: PTH208  fast
        except _ABSENT:
            if directory.exists():  # an archive
                yield from _asked([entry])
            continue
        if directory.suffix == ".egg":
            yield from _asked([entry])
            continue
        for name in sorted(names, key=lambda name: name.lower().endswith(".egg-info")):
            yield Installed(_shortened(name), partial(_read, directory / name))


def _is_metadata(name: str) -> bool:
    """Whether a directory of this name tells of a distribution."""
    return name.lower().endswith(_SUFFIXES) and name[0] not in _LEFTOVER


def _finds_distributions(finder: object) -> bool:
    """Whether distributions may lie where this finder alone knows."""
    return finder is not PathFinder and hasattr(finder, "find_distributions")


def _asked(path: Sequence[str]) -> Iterator[Installed]:
    import importlib.metadata

    for distribution in importlib.metadata.distributions(path=list(path)):
        name = _directory_name(distribution)
        if name[:1] not in ("", *_LEFTOVER):
            yield Installed(name, distribution.read_text)


def _directory_name(distribution: Distribution) -> str:
    directory = Path(str(getattr(distribution, "_path", "")))
    if directory.suffix in _SUFFIXES:
        return _shortened(directory.name)
    named = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")
    return (named and distribution.metadata["Name"]) or "unknown"


def _shortened(name: str) -> str:
    return name.rpartition(".")[0].partition("-")[0]


def _read(directory: Path, name: str) -> str | None:
    with suppress(*_ABSENT):
        return (directory / name).read_text("utf-8")
    return None
