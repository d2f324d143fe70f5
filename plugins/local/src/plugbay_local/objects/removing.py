"""Delete objects, and the directories that this leaves empty."""

import os
from collections.abc import Iterable

from plugbay_local.objects.directories import close_all, is_link, open_chain, open_root, refuse_link
from plugbay_local.objects.keys import parts_of


def delete_objects(root: str, keys: Iterable[str]) -> None:
    """Delete objects as :func:`~plugbay_hookspecs.artifact_store.artifact_store_delete` says."""
    checked = [(key, parts_of(key)) for key in keys]
    for key, parts in checked:
        chain: list[int] = []
        try:
            chain.append(open_root(root))
            open_chain(chain, parts[:-1])
            _delete(chain[-1], parts[-1])
            _prune(chain, parts[:-1])
        except FileNotFoundError:
            continue
        except OSError as error:
            error.filename = f"{root}/{key}"
            raise
        finally:
            close_all(chain)


def _delete(parent: int, name: str) -> None:
    if is_link(parent, name):
        refuse_link(name)
    try:
        os.unlink(name, dir_fd=parent)
    except (IsADirectoryError, PermissionError):
        # Linux and macOS tell of a directory in these two ways; a directory is no object.
        if not _is_directory(parent, name):
            raise


def _is_directory(parent: int, name: str) -> bool:
    try:
        os.close(os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent))
    except OSError:
        return False
    return True


def _prune(chain: list[int], parents: list[str]) -> None:
    """Remove the directories that are empty now, the deepest first; a writer makes one it misses again."""
    for depth in range(len(parents) - 1, -1, -1):
        try:
            os.rmdir(parents[depth], dir_fd=chain[depth])
        except OSError:
            return
