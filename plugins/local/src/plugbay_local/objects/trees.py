"""Files and directories as objects: a file is one object, a directory one for each file in it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.objects.naming import name_of, part_of

_EMPTY = "%directory"
"""The object that stands for an empty directory: the part of no name."""
_CHUNK = 1 << 20
_BATCH = 500


@frozen
class Tree:
    """A file or directory as objects."""

    key: str
    """Of the file's object; what lies in a directory lies behind it and a ``/``."""
    directory: bool
    count: int
    """How many objects there are."""
    size: int
    """In bytes."""


@frozen
class _Copied:
    key: str
    """Behind that of the tree."""
    content: Path | bytes
    size: int


def put_tree(store: ObjectStore, key: str, source: Path) -> Tree:
    """Write a file or directory, with what its links lead to, where nothing is; if that fails, nothing is left."""
    count = size = 0
    try:
        for copied in _copies(store, source):
            try:
                store.put(key + copied.key, copied.content)
            finally:
                _remove(copied)
            count, size = count + 1, size + copied.size
    except BaseException:
        delete_tree(store, key)
        raise
    return Tree(key, source.is_dir(), count, size)


def replace_tree(store: ObjectStore, key: str, source: Path) -> None:
    """Write a file or directory in place of what is there, which is left alone unless all of the source can be read.

    Files of one name are replaced whole; for a moment a directory has files of both.
    """
    copies: list[_Copied] = []
    try:
        for copied in _copies(store, source):
            copies.append(copied)
        wanted = {key + copied.key for copied in copies}
        doomed = [found for found in _keys(store, key) if found not in wanted]
        # A file and a directory of one name cannot both be there.
        in_the_way = wanted.union(*map(_above, wanted))
        before = {found for found in doomed if found in in_the_way or not wanted.isdisjoint(_above(found))}
        store.delete(sorted(before))
        for copied in copies:
            store.put(key + copied.key, copied.content)
        store.delete([found for found in doomed if found not in before])
    finally:
        for copied in copies:
            _remove(copied)


def get_tree(store: ObjectStore, tree: Tree, target: Path) -> Path:
    """Write the files of a tree to a path where nothing is. Raises ``OSError`` when there are not all of them."""
    if not tree.directory:
        found, size = 1, _fetch(store, tree.key, target)
    else:
        found = size = 0
        target.mkdir()
        for entry in store.list(f"{tree.key}/"):
            parts = entry.key.removeprefix(f"{tree.key}/").split("/")
            marks = parts[-1] == _EMPTY
            path = target.joinpath(*(_checked(name_of(part), entry.key) for part in parts[: -1 if marks else None]))
            (path if marks else path.parent).mkdir(parents=True, exist_ok=True)
            found, size = found + 1, size + (0 if marks else _fetch(store, entry.key, path))
    if (found, size) != (tree.count, tree.size):
        msg = f"{tree.key} is damaged: {found} files with {size} bytes are left of {tree.count} with {tree.size}"
        raise OSError(msg)
    return target


def delete_tree(store: ObjectStore, key: str) -> None:
    """Delete the objects of a tree. What is gone is no error."""
    keys = _keys(store, key)
    for start in range(0, len(keys), _BATCH):
        store.delete(keys[start : start + _BATCH])


def files_below(store: ObjectStore, prefix: str) -> Iterator[tuple[str, str]]:
    """The names of files in the trees behind a prefix, with their keys."""
    for entry in store.list(prefix):
        parts = entry.key.removeprefix(prefix).split("/")
        if parts[-1] != _EMPTY:
            yield "/".join(name_of(part) for part in parts), entry.key


def _above(key: str) -> set[str]:
    """The keys under which a key lies."""
    parts = key.split("/")
    return {"/".join(parts[:end]) for end in range(1, len(parts))}


def _keys(store: ObjectStore, key: str) -> list[str]:
    own = [] if store.stat(key) is None else [key]
    return own + [entry.key for entry in store.list(f"{key}/")]


def _copies(store: ObjectStore, source: Path) -> Iterator[_Copied]:
    """Copy one file after the other to where the store may take it from."""
    if not source.is_dir():
        yield _copied("", source, store.scratch())
        return
    scratch = store.scratch()
    for parent, directories, files in os.walk(source, followlinks=True, onerror=_raise):
        directories.sort()
        below = "".join(f"/{part_of(name)}" for name in Path(parent).relative_to(source).parts)
        if not directories and not files:
            yield _Copied(f"{below}/{_EMPTY}", b"", 0)
        for name in sorted(files):
            yield _copied(f"{below}/{part_of(name)}", Path(parent, name), scratch)


def empty_file(scratch: Path | None) -> Path:
    """Make a file that a store may have, where it can be moved from if there is such a place."""
    if scratch is None:
        handle, name = tempfile.mkstemp(prefix="plugbay-")
        os.close(handle)
        return Path(name)
    path = scratch / f"copy-{os.urandom(8).hex()}"
    path.touch(exist_ok=False)  # with the permissions of any file: it may become the object
    return path


def _copied(key: str, source: Path, scratch: Path | None) -> _Copied:
    copy = empty_file(scratch)
    try:
        shutil.copyfile(source, copy)
        return _Copied(key, copy, copy.stat().st_size)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _remove(copied: _Copied) -> None:
    """Remove a copy that the store has not moved."""
    if isinstance(copied.content, Path):
        copied.content.unlink(missing_ok=True)


def _fetch(store: ObjectStore, key: str, path: Path) -> int:
    with store.open(key) as source, path.open("xb") as file:
        shutil.copyfileobj(source, file, _CHUNK)
        return file.tell()


def _checked(name: str, key: str) -> str:
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        msg = f"{key} is damaged: it would be written to {name!r}, which is no name of a file"
        raise OSError(msg)
    return name


def _raise(error: OSError) -> None:
    raise error
