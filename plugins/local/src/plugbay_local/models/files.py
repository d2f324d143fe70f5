"""Keep the files of versions, each version's in a directory of its own that is there as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plugbay_local.models.log import directory_of
from plugbay_local.objects.directories import SCRATCH, create_scratch
from plugbay_local.objects.flushing import flush

_DIRECTORY = "files"


def local_path(source: Path | str) -> Path | None:
    """The local file or directory that a source is; ``None`` for one that lies elsewhere.

    Raises ``ValueError`` for a text that is no URI.
    """
    if isinstance(source, Path):
        return source
    parts = urlsplit(source)
    if not parts.scheme:
        msg = f"the source {source!r} is no URI; give a local file as a Path"
        raise ValueError(msg)
    return Path(unquote(parts.path)) if parts.scheme == "file" and parts.netloc in ("", "localhost") else None


def keep(root: str, name: str, source: Path) -> str:
    """Copy a file or directory, with what its links lead to; return where it is, relative to the root."""
    create_scratch(root)
    made = Path(root, SCRATCH, f"model-{os.urandom(8).hex()}")
    made.mkdir()
    try:
        name_of_source = os.path.basename(os.path.abspath(source)) or "model"  # noqa: PTH100, PTH119 -- of `..` too
        copied = copy(source, made / name_of_source)
        _flush_all(made)
        kept = Path(_DIRECTORY, directory_of(name), os.urandom(8).hex())
        place = Path(root, kept)
        place.parent.mkdir(parents=True, exist_ok=True)
        made.rename(place)
        for directory in (place.parent, place.parent.parent, Path(root)):
            _flush(directory)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise
    return (kept / copied.name).as_posix()


def remove(root: str, kept: str) -> None:
    """Remove what :func:`keep` kept. What is gone is no error."""
    shutil.rmtree(Path(root, kept).parent, ignore_errors=True)


def copy(source: Path, target: Path) -> Path:
    """Copy a file or directory to a path where nothing is."""
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy2(source, target)
    return target


def _flush_all(directory: Path) -> None:
    for parent, _, files in os.walk(directory):
        for file in files:
            _flush(Path(parent, file))
        _flush(Path(parent))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        flush(descriptor)
    finally:
        os.close(descriptor)
