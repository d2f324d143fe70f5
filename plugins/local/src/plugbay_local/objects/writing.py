"""Write an object, whole or not at all: to a file without a name, or a scratch file, flushed, then moved to its key."""

import functools
import os
import shutil
import stat
import time
from contextlib import suppress
from errno import EACCES, EEXIST, EINVAL, EISDIR, EOPNOTSUPP, EPERM, EXDEV
from pathlib import Path

from plugbay_local.objects.directories import (
    close_all,
    create_chain,
    create_directory,
    create_root,
    is_link,
    is_shared,
    open_chain,
    open_root,
    open_scratch,
    refuse_link,
    share,
)
from plugbay_local.objects.flushing import flush
from plugbay_local.objects.keys import parts_of

_SCRATCH_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_UNNAMED_FILE = os.O_WRONLY | getattr(os, "O_TMPFILE", 0)
_CANNOT_BE_UNNAMED = frozenset({EINVAL, EISDIR, EOPNOTSUPP, EPERM, EXDEV})
_STORED_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK

# An attempt is lost when another process removes a directory, or the object, in the microseconds in between.
_ATTEMPTS = 1000
_SHARING = 20
_PAUSE = 0.01


def write_object(root: str, key: str, source: bytes | Path, *, if_absent: bool, durable: bool) -> bool:
    """Write an object as :func:`~plugbay_hookspecs.artifact_store.artifact_store_put` says.

    The file is flushed before it is moved and the directories after: in this order a journalling file system commits
    the move and all new directories at once, and the other flushes find nothing to do.
    """
    parts = parts_of(key)
    source_file = _open_source(source) if isinstance(source, Path) else None
    try:
        # By its path first: few objects are there, and a link on the way to it is refused below.
        if if_absent and os.path.lexists(f"{root}/{key}") and _keep_present(root, parts, durable=durable):
            return False
        if isinstance(source, bytes) and _can_name_descriptors():
            written = _put_unnamed(root, parts, source, if_absent=if_absent, durable=durable)
            if written is not None:
                return written
        root_directory = create_root(root, durable=durable)
        try:
            if isinstance(source, bytes):
                return _put_scratch(root_directory, parts, source, if_absent=if_absent, durable=durable)
            assert source_file is not None
            return _put_file(root_directory, parts, source, source_file, if_absent=if_absent, durable=durable)
        finally:
            os.close(root_directory)
    except OSError as error:
        error.filename, error.filename2 = f"{root}/{key}", None
        raise
    finally:
        if source_file is not None:
            os.close(source_file)


def _put_unnamed(root: str, parts: list[str], content: bytes, *, if_absent: bool, durable: bool) -> bool | None:
    """Write a file that has no name until it is complete: no scratch directory is changed, and no name removed.

    :returns: whether it was written; ``None`` where the file system has no such files, or there is an object to replace.
    """
    for attempt in range(_ATTEMPTS):
        opened: list[int] = []
        file = None
        try:
            opened, changed_from = create_directory(root, parts[:-1], durable=durable)
            parent = opened[-1]
            file = os.open(".", _UNNAMED_FILE, 0o666, dir_fd=parent)
            share(file, parent)
            _write_all(file, content)
            if durable:
                flush(file)
            os.link(f"/proc/self/fd/{file}", parts[-1], dst_dir_fd=parent, follow_symlinks=True)
            if durable:
                for directory in reversed(opened[changed_from:]):
                    flush(directory)
        except FileExistsError:
            if not if_absent:
                return None
            if _keep_present(root, parts, durable=durable):
                return False
        except FileNotFoundError:  # the directory was removed, or the object that was in the way
            continue
        except OSError as error:
            if error.errno in _CANNOT_BE_UNNAMED:
                return None
            if error.errno != EACCES or not _is_being_shared(attempt, root):
                raise
        else:
            return True
        finally:
            if file is not None:
                os.close(file)
            close_all(opened)
    return None


def _is_being_shared(attempt: int, root: str) -> bool:
    """Whether another user may have made a directory a moment ago, and be about to share it."""
    if attempt >= _SHARING or not is_shared(root):
        return False
    time.sleep(_PAUSE)
    return True


@functools.cache
def _can_name_descriptors() -> bool:
    return hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd")  # noqa: PTH112 -- pathlib is slower to ask


def _put_scratch(root_directory: int, parts: list[str], content: bytes, *, if_absent: bool, durable: bool) -> bool:
    scratch = open_scratch(root_directory)
    try:
        name = f"put-{os.urandom(8).hex()}"
        file = os.open(name, _SCRATCH_FILE, 0o666, dir_fd=scratch)
        share(file, scratch)
        try:
            try:
                _write_all(file, content)
                if durable:
                    flush(file)
            finally:
                os.close(file)
            written = _place(name, scratch, root_directory, parts, if_absent=if_absent, durable=durable)
        except BaseException:
            _remove(name, scratch)
            raise
        if if_absent:
            _remove(name, scratch)
        return written
    finally:
        os.close(scratch)


def _put_file(
    root_directory: int, parts: list[str], source: Path, source_file: int, *, if_absent: bool, durable: bool
) -> bool:
    path = os.fspath(source)
    try:
        _let_the_umask_decide(source_file, root_directory)
        if durable:
            flush(source_file)
        written = _place(path, None, root_directory, parts, if_absent=if_absent, durable=durable)
    except OSError as error:
        # EXDEV: on another file system. EPERM: the system lets nobody link a file of another user.
        if error.errno not in (EXDEV, EPERM):
            raise
        written = _put_copy(root_directory, parts, source_file, if_absent=if_absent, durable=durable)
        moved = False
    else:
        moved = not if_absent
    if written and not moved:
        _remove(path, None)
    return written


def _let_the_umask_decide(source_file: int, root_directory: int) -> None:
    """Give a file that is about to become an object the mode of one that is written here: it may be a temporary one."""
    scratch = open_scratch(root_directory)
    name = f"put-{os.urandom(8).hex()}"
    try:
        made = os.open(name, _SCRATCH_FILE, 0o666, dir_fd=scratch)
        share(made, scratch)
        try:
            wanted, found = (stat.S_IMODE(os.fstat(file).st_mode) for file in (made, source_file))
        finally:
            os.close(made)
            _remove(name, scratch)
    finally:
        os.close(scratch)
    if found != wanted:
        with suppress(OSError):  # it is another user's, who decides
            os.fchmod(source_file, wanted)
    share(source_file, root_directory)


def _put_copy(root_directory: int, parts: list[str], source_file: int, *, if_absent: bool, durable: bool) -> bool:
    scratch = open_scratch(root_directory)
    try:
        name = f"put-{os.urandom(8).hex()}"
        file = os.open(name, _SCRATCH_FILE, 0o666, dir_fd=scratch)
        share(file, scratch)
        try:
            with os.fdopen(source_file, "rb", closefd=False) as reader, os.fdopen(file, "wb", buffering=0) as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
                if durable:
                    flush(file)
            return _place(name, scratch, root_directory, parts, if_absent=if_absent, durable=durable)
        finally:
            _remove(name, scratch)
    finally:
        os.close(scratch)


def _place(
    source: str, source_directory: int | None, root_directory: int, parts: list[str], *, if_absent: bool, durable: bool
) -> bool:
    """Move (``if_absent``: link) a complete file to its key and flush what changed above it."""
    name = parts[-1]
    for attempt in range(_ATTEMPTS):
        chain = [root_directory]
        try:
            changed_from = create_chain(chain, parts[:-1])
            parent = chain[-1]
            if if_absent:
                os.link(source, name, src_dir_fd=source_directory, dst_dir_fd=parent, follow_symlinks=False)
            else:
                if is_link(parent, name):
                    refuse_link(name)
                os.rename(source, name, src_dir_fd=source_directory, dst_dir_fd=parent)
            if durable:
                for directory in reversed(chain[changed_from:]):
                    flush(directory)
        except FileExistsError:
            if _keep(chain, name, durable=durable):
                return False
        except FileNotFoundError:
            if attempt == _ATTEMPTS - 1:
                raise
        else:
            return True
        finally:
            close_all(chain[1:])
    raise FileExistsError(EEXIST, os.strerror(EEXIST), name)


def _keep_present(root: str, parts: list[str], *, durable: bool) -> bool:
    chain: list[int] = []
    try:
        chain.append(open_root(root))
        open_chain(chain, parts[:-1])
        return _keep(chain, parts[-1], durable=durable)
    except FileNotFoundError:
        return False
    finally:
        close_all(chain)


def _keep(chain: list[int], name: str, *, durable: bool) -> bool:
    """Mark an object in the last directory of ``chain`` as modified now; return whether there is one."""
    parent = chain[-1]
    try:
        mode = os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            refuse_link(name)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(EISDIR, os.strerror(EISDIR), name)
        if durable:
            # Whoever wrote it, and made the directories, may not have asked for that, or may still be about to flush.
            file = os.open(name, _STORED_FILE, dir_fd=parent)
            try:
                flush(file)
            finally:
                os.close(file)
            for directory in reversed(chain):
                flush(directory)
        os.utime(name, dir_fd=parent, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _open_source(source: Path) -> int:
    file = os.open(source, _STORED_FILE)
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        msg = "not a regular file, so it cannot become an object"
        raise OSError(EINVAL, msg, os.fspath(source))
    return file


def _write_all(file: int, content: bytes) -> None:
    written = os.write(file, content)
    if written < len(content):
        # The system takes at most 2 GiB at a time, and less when the disk is about to be full.
        view = memoryview(content)
        while written < len(content):
            written += os.write(file, view[written:])


def _remove(name: str, directory: int | None) -> None:
    # What is left is only waste: garbage collection removes it from the scratch directory.
    with suppress(OSError):
        os.unlink(name, dir_fd=directory)
