"""A directory artifact put back on a disk. Nothing that a record says is written, or leads, out of the directory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from attrs import frozen

from plugbay.errors import CorruptArtifactError
from plugbay.store.artifacts import LINK
from plugbay.store.links import leads_out
from plugbay_hookspecs.types import Artifact


@frozen
class Layout:
    """What a directory artifact holds, by names relative to the directory, with ``/`` between their parts."""

    directories: tuple[str, ...]
    """Every directory below it, after those it is in."""
    files: tuple[Artifact, ...]
    links: Mapping[str, str]
    """What each link says."""


def layout_of(artifact: Artifact) -> Layout:
    """Read the items of a directory artifact.

    Raises :class:`CorruptArtifactError` for what no directory of its own can hold: a name that leads out of it, a link that
    does, or a name below that of a file or link.
    """
    files, links, empty = [], {}, set()
    for item in artifact.items or ():
        _refuse_outside(artifact, item.name)
        if item.serializer == LINK:
            if hashlib.sha256(item.inline or b"").hexdigest() != item.digest:
                raise _damaged(artifact, f"its link {item.name!r} has not the digest {item.digest}")
            links[item.name] = os.fsdecode(item.inline or b"")
        elif item.items is None:
            files.append(item)
        elif item.items:
            raise _damaged(artifact, f"its part {item.name!r} has parts of its own")
        else:
            empty.add(item.name)
    names = [item.name for item in artifact.items or ()]
    above = {name[:end] for name in names for end in _slashes(name)}
    if len(set(names)) < len(names) or not above.isdisjoint(names):
        twice = sorted(above.intersection(names)) or sorted({name for name in names if names.count(name) > 1})
        raise _damaged(artifact, f"it has {twice[0]!r} twice, or something below it")
    for name, text in links.items():
        if not text or "\0" in text or leads_out(name, text, links.get):
            raise _damaged(artifact, f"its link {name!r} leads out of the directory, to {text!r}")
    return Layout(tuple(sorted(above | empty)), tuple(files), links)


@contextmanager
def filling(root: Path, layout: Layout) -> Iterator[list[tuple[Artifact, Path]]]:
    """Make the directories in ``root``, which is empty, have the files written, and make the links.

    The links come last, so that nothing is written through one.

    :yields: the files, each with the place to write it to.
    """
    for name in layout.directories:
        (root / name).mkdir()
    yield [(file, root / file.name) for file in layout.files]
    for name, text in layout.links.items():
        (root / name).symlink_to(text)


def own_name_of(artifact: Artifact, name: object = None) -> str | None:
    """The name that a file or directory had; ``None`` when the record has none, as those of directories by release 0.1.

    :param name: another name to write it under.
    :raises CorruptArtifactError: when that is no name of a file.
    """
    name = name or artifact.metadata.get("filename")
    if not name:
        return None
    _refuse_outside(artifact, str(name))
    if "/" in str(name):
        raise _damaged(artifact, f"its name is {name!r}")
    return str(name)


def _refuse_outside(artifact: Artifact, name: str) -> None:
    """Raise :class:`CorruptArtifactError` unless ``name`` is a relative path that stays below its directory."""
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        msg = f"artifact {artifact.name!r} would be written to {name!r}, which is no file below its directory"
        raise CorruptArtifactError(msg)


def _slashes(name: str) -> list[int]:
    return [position for position, letter in enumerate(name) if letter == "/"]


def _damaged(artifact: Artifact, reason: str) -> CorruptArtifactError:
    return CorruptArtifactError(f"the record of artifact {artifact.name!r} is damaged: {reason}; run the step again")
