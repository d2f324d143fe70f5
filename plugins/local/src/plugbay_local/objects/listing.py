"""List objects in the order of their keys without holding more than one directory of each level in memory."""

import os
import stat
from bisect import bisect_left
from collections.abc import Iterator

from plugbay_hookspecs.types.store import ObjectStat
from plugbay_local.objects.directories import close_all, open_chain, open_root
from plugbay_local.objects.keys import is_part, parts_of_prefix


def list_objects(root: str, prefix: str, after: str | None, *, recursive: bool) -> Iterator[ObjectStat]:
    """List objects as :func:`~plugbay_hookspecs.artifact_store.artifact_store_list` says."""
    if not _holds_directory(root, prefix):
        return iter(())
    behind = b"" if after is None else after.encode("utf-8", "surrogatepass")
    return _walk(root, prefix, behind, recursive=recursive)


def _holds_directory(root: str, prefix: str) -> bool:
    parts = parts_of_prefix(prefix)
    chain: list[int] = []
    try:
        chain.append(open_root(root))
        open_chain(chain, parts)
    except FileNotFoundError:
        return False
    except OSError as error:
        error.filename = f"{root}/{prefix}"
        raise
    finally:
        close_all(chain)
    return True


def _walk(root: str, prefix: str, after: bytes, *, recursive: bool) -> Iterator[ObjectStat]:
    names = _sorted_names(f"{root}/{prefix}")
    for name in names[_first_behind(names, prefix.encode(), after, recursive=recursive) :]:
        key = prefix + name.decode()
        if not key.endswith("/"):
            found = _stat(f"{root}/{key}")
            if found is not None:
                yield ObjectStat(key=key, size=found.st_size, modified=found.st_mtime)
        elif recursive:
            yield from _walk(root, key, after, recursive=True)
        elif _holds_object(f"{root}/{key}"):
            yield ObjectStat(key=key, size=0, modified=0.0)


def _sorted_names(directory: str) -> list[bytes]:
    """Name what lies in a directory, a directory with a ``/`` at its end: the keys below sort by that."""
    try:
        with os.scandir(directory) as entries:
            names = [
                f"{entry.name}/".encode() if entry.is_dir(follow_symlinks=False) else entry.name.encode()
                for entry in entries
                if is_part(entry.name)
            ]
    except (FileNotFoundError, NotADirectoryError):
        return []
    names.sort()
    return names


def _first_behind(names: list[bytes], prefix: bytes, after: bytes, *, recursive: bool) -> int:
    """Find the first name whose key, or a key below it, lies behind ``after``."""
    if not after.startswith(prefix):
        return 0 if after < prefix else len(names)
    rest = after[len(prefix) :]
    first_part, slash, _ = rest.partition(b"/")
    if recursive and slash:
        # The subtree that holds ``after`` is walked; all before it is skipped unseen.
        return bisect_left(names, first_part + slash)
    start = bisect_left(names, rest)
    return start + (start < len(names) and names[start] == rest)


def _holds_object(directory: str) -> bool:
    """Tell whether an object lies below: a process killed while it wrote may leave an empty directory."""
    try:
        with os.scandir(directory) as entries:
            return any(
                _holds_object(entry.path)
                if entry.is_dir(follow_symlinks=False)
                else entry.is_file(follow_symlinks=False)
                for entry in entries
                if is_part(entry.name)
            )
    except (FileNotFoundError, NotADirectoryError):
        return False


def _stat(path: str) -> os.stat_result | None:
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None
