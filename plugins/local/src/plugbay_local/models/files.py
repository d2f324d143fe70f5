"""Keep the files of versions, each version's under a key of its own that only its change names."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.objects.naming import name_of, part_of
from plugbay_local.objects.trees import Tree, get_tree, put_tree

PREFIX = "files/"
"""What the keys of all files begin with; behind it come the model, a place that is the version's own, and its files."""


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


def keep(store: ObjectStore, name: str, source: Path) -> Tree:
    """Copy a file or directory, with what its links lead to."""
    name_of_source = os.path.basename(os.path.abspath(source)) or "model"  # noqa: PTH100, PTH119 -- of `..` too
    key = f"{PREFIX}{part_of(name)}/{os.urandom(8).hex()}/{part_of(name_of_source)}"
    return put_tree(store, key, source)


def copy(store: ObjectStore, kept: Tree, target: Path) -> Path:
    """Copy what was kept into a directory, under the name that it had."""
    return get_tree(store, kept, target / name_of(kept.key.rpartition("/")[2]))


def place_of(key: str) -> str:
    """What all keys of one version begin with, by one of them."""
    return "/".join(key.split("/")[:3])


def model_at(place: str) -> str:
    """The name of the model that a place is for."""
    return name_of(place.split("/")[1])
