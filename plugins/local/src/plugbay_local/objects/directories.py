"""Open what lies in a store so that no symbolic link leads out of it.

A path that is checked first and used later can be changed in between; a descriptor cannot. So directories are opened part by
part, or, where the system tells what path a descriptor has, at once by the whole path. The root itself may be a symbolic
link: whoever configures the store chooses where it lies. Below it the store makes none, so one is refused.
"""

import os
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from errno import EACCES
from pathlib import Path
from typing import NoReturn

from plugbay_local.objects.flushing import flush

SCRATCH = ".scratch"
"""The directory under the root where files are written before they are moved to their keys."""

_SHARED = stat.S_ISGID | stat.S_IWGRP
_WRITABLE = stat.S_IRGRP | stat.S_IWGRP
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY
_DIRECTORY_BELOW = _DIRECTORY | os.O_NOFOLLOW


def open_root(root: str) -> int:
    """Open the root; raise ``FileNotFoundError`` when nothing was ever stored."""
    return os.open(root, _DIRECTORY)


def create_root(root: str, *, durable: bool) -> int:
    """Open the root, made with its parents where it is missing."""
    try:
        return os.open(root, _DIRECTORY)
    except FileNotFoundError:
        Path(root).mkdir(parents=True, exist_ok=True)
        made = os.open(root, _DIRECTORY)
        if durable:
            try:
                _flush_above(root, made)
            except BaseException:
                os.close(made)
                raise
        return made


def _flush_above(root: str, descriptor: int) -> None:
    """Flush every directory above a root that was just made, up to where its file system is mounted.

    One that was there before may have been made a moment ago, for the locks or by another process, and not be flushed.
    """
    device = os.fstat(descriptor).st_dev
    for above in Path(root).parents:
        try:
            parent = os.open(above, _DIRECTORY)
        except PermissionError:  # nor can it have been made by this user
            return
        try:
            if os.fstat(parent).st_dev != device:
                return
            flush(parent)
        finally:
            os.close(parent)


def open_at_once(path: str, flags: int) -> int | None:
    """Open a file or directory by its absolute path, which takes one call where the parts take one each.

    Raises ``FileNotFoundError`` when nothing is there.

    :returns: ``None`` when a link may be on the way, or for any other reason: then the parts tell which.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError:
        return None
    try:
        if os.readlink(f"/proc/self/fd/{descriptor}") == path:  # noqa: PTH115 -- several times a step
            return descriptor
    except OSError:  # no such directory on this system
        pass
    os.close(descriptor)
    return None


def open_scratch(root_descriptor: int) -> int:
    """Open the scratch directory, made where it is missing."""
    try:
        return _open_below(root_descriptor, SCRATCH)
    except FileNotFoundError:
        return _made_below(root_descriptor, SCRATCH)


def create_scratch(root: str) -> None:
    """Make the root and its scratch directory where they are missing."""
    root_directory = create_root(root, durable=True)  # durable writes that follow take a root they find for flushed
    try:
        os.close(open_scratch(root_directory))
    except OSError as error:
        error.filename = f"{root}/{SCRATCH}"
        raise
    finally:
        os.close(root_directory)


def open_chain(chain: list[int], parts: Iterable[str]) -> None:
    """Open one directory below the other; append each to ``chain``, which starts with the root.

    Raises ``FileNotFoundError`` when one is missing, or when an object lies where a directory would be.
    """
    for part in parts:
        try:
            chain.append(_open_below(chain[-1], part))
        except NotADirectoryError as error:
            raise FileNotFoundError(*error.args) from error


def create_chain(chain: list[int], parts: Iterable[str]) -> int:
    """Like :func:`open_chain`, but make the missing directories.

    Raises ``FileNotFoundError`` when a directory just made was removed at once because it was still empty.

    :returns: the index in ``chain`` from which on directories must be flushed for the last one to be durable.
    """
    first_changed = None
    for part in parts:
        parent = chain[-1]
        try:
            chain.append(_open_below(parent, part))
        except FileNotFoundError:
            # A directory that someone else made this moment may not be flushed yet either.
            if first_changed is None:
                first_changed = len(chain) - 1
            chain.append(_made_below(parent, part))
    return len(chain) - 1 if first_changed is None else first_changed


def create_directory(root: str, parts: Sequence[str], *, durable: bool) -> tuple[list[int], int]:
    """Open the directory that ``parts`` lead to from the root, made with its parents where it is missing.

    Raises ``FileNotFoundError`` as :func:`create_chain` does.

    :returns: descriptors to close, the directory's own last, and the index among them from which on they must be flushed
        for it to be durable.
    """
    with suppress(FileNotFoundError):
        directory = open_at_once("/".join((root, *parts)), _DIRECTORY)
        if directory is not None:
            return [directory], 0
    chain = [create_root(root, durable=durable)]
    try:
        return chain, create_chain(chain, parts)
    except BaseException:
        close_all(chain)
        raise


def share_root(root: str) -> None:
    """Make the root a directory that its group shares: what is made below it then is shared, too.

    Raises ``PermissionError`` when it is another user's, who has not done so.
    """
    descriptor = create_root(root, durable=True)
    try:
        mode = os.fstat(descriptor).st_mode
        if mode & _SHARED != _SHARED:
            os.fchmod(descriptor, stat.S_IMODE(mode) | _SHARED | stat.S_IRGRP | stat.S_IXGRP)
    except PermissionError as error:
        msg = f"its group cannot write to it, and its owner alone can let it: chmod g+rwxs {root}"
        raise PermissionError(EACCES, msg, root) from error
    finally:
        os.close(descriptor)


def is_shared(root: str) -> bool:
    """Tell whether the root is a directory that its group shares."""
    try:
        return os.stat(root).st_mode & _SHARED == _SHARED
    except OSError:
        return False


def share(descriptor: int, parent: int) -> None:
    """Let the group of a directory that is shared write to what was made in it: that a directory is can be seen by its mode."""
    above = os.fstat(parent)
    if above.st_mode & _SHARED != _SHARED:
        return
    own = os.fstat(descriptor)
    is_directory = stat.S_ISDIR(own.st_mode)
    wanted = stat.S_IMODE(own.st_mode) | (_SHARED | stat.S_IRGRP | stat.S_IXGRP if is_directory else _WRITABLE)
    with suppress(PermissionError):  # another user's, who sees to it
        if own.st_gid != above.st_gid:  # a file that was made elsewhere
            os.fchown(descriptor, -1, above.st_gid)
        if wanted != stat.S_IMODE(own.st_mode):
            os.fchmod(descriptor, wanted)


def close_all(descriptors: Iterable[int]) -> None:
    """Close descriptors."""
    for descriptor in descriptors:
        os.close(descriptor)


def refuse_link(name: str) -> NoReturn:
    """Raise for a symbolic link in the store."""
    msg = "refused: a symbolic link could lead out of the artifact store"
    raise PermissionError(EACCES, msg, name)


def is_link(parent: int, name: str) -> bool:
    """Tell whether a name in a directory is a symbolic link."""
    try:
        return stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
    except OSError:
        return False


def _made_below(parent: int, name: str) -> int:
    """Make a directory, unless somebody else just has, and open it."""
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
    made = _open_below(parent, name)
    try:
        share(made, parent)
    except BaseException:
        os.close(made)
        raise
    return made


def _open_below(parent: int, name: str) -> int:
    try:
        return os.open(name, _DIRECTORY_BELOW, dir_fd=parent)
    except OSError as error:
        # A link gives ENOTDIR on Linux and ELOOP elsewhere.
        if not isinstance(error, FileNotFoundError) and is_link(parent, name):
            refuse_link(name)
        raise
