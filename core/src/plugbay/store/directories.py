"""What a directory on the disk is made of: files, symbolic links and empty directories, as an archive keeps them.

A link that stays in the directory is kept as it is. One that leads out of it would lead elsewhere, or nowhere, wherever the
directory is put: when it comes back into the directory it is kept as a relative link, else what it leads to is kept in its place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from plugbay.errors import OutputError
from plugbay.store.links import leads_out

_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


@frozen
class Entry:
    """One part of a directory: a file, a link, or else an empty directory."""

    name: str
    """Relative to the directory, with ``/`` between its parts."""
    file: Path | None = None
    """Where the content is."""
    link: str | None = None
    """What the link says."""


@frozen
class _Place:
    """A directory on the disk whose content is kept, and the name it is kept under; empty for the whole."""

    real: str
    name: str

    def within(self, real: str) -> str | None:
        """The name under which another real path is kept; ``None`` when it is not below this one."""
        if real == self.real:
            return self.name
        below = real.removeprefix(self.real.rstrip("/") + "/")
        return None if below == real else _joined(self.name, below)

    def link_at(self, name: str) -> str | None:
        """The target of a link, by its name relative to this directory."""
        try:
            return os.readlink(f"{self.real}/{name}")  # noqa: PTH115  a Path would shorten it
        except OSError:
            return None


def entries_of(directory: Path, output: str) -> Iterator[Entry]:
    """Yield the parts of a directory, sorted by the parts of their names.

    :param output: the output that it is, for the error message.
    :raises OutputError: for what is neither a file nor a directory, or cannot be read, and for a link that leads out of the
        directory to nothing or to a directory above.
    """
    real = os.path.realpath(directory)
    ahead: list[tuple[str, Path, tuple[_Place, ...]]] = [("", directory, (_Place(real, ""),))]
    while ahead:
        name, path, places = ahead.pop()
        try:
            found = path.lstat() if name else path.stat()
            if stat.S_ISLNK(found.st_mode):
                kept = _followed(name, path, places, output)
                if isinstance(kept, Entry):
                    yield kept
                    continue
                places = (*places, kept)
                path = Path(kept.real)
            elif stat.S_ISREG(found.st_mode):
                yield Entry(name, file=path)
                continue
            elif not stat.S_ISDIR(found.st_mode):
                raise _refused(path, kind_of(found.st_mode), output)
            inner = sorted(os.listdir(path), reverse=True)  # noqa: PTH208  names alone, of many files
        except OSError as error:
            raise unreadable(error.filename or path, error, output) from error
        if name and not inner:
            yield Entry(name)
        ahead += [(_joined(name, part), path / part, places) for part in inner]


def _followed(name: str, path: Path, places: tuple[_Place, ...], output: str) -> Entry | _Place:
    """What is kept of a link: the link, the file it leads to, or the place of the directory it leads to."""
    text, here = os.readlink(path), places[-1]  # noqa: PTH115  as above
    if not leads_out(name.removeprefix(f"{here.name}/") if here.name else name, text, here.link_at):
        return Entry(name, link=text)
    try:
        real = os.path.realpath(path, strict=True)
    except OSError as error:
        reason = f"a link that leads out of the directory, to {text}, and that is: {error.strerror}"
        raise _refused(path, reason, output) from error
    for place in reversed(places):
        target = place.within(real)
        if target is not None:
            return Entry(name, link=os.path.relpath(f"/{target}", os.path.dirname(f"/{name}")))
    mode = os.stat(real).st_mode
    if stat.S_ISREG(mode):
        return Entry(name, file=path)
    if not stat.S_ISDIR(mode):
        raise _refused(path, f"a link to what is {kind_of(mode)}", output)
    if any(_Place(real, "").within(place.real) is not None for place in places):
        raise _refused(path, f"a link to {real}, which contains the directory itself", output)
    return _Place(real, name)


def kind_of(mode: int) -> str:
    """What there is that is no file and no directory."""
    kind = _KINDS.get(stat.S_IFMT(mode))
    return f"neither a file nor a directory{f' but {kind}' if kind else ''}"


def is_executable(path: Path) -> bool:
    """Whether its owner may execute the file."""
    return bool(path.stat().st_mode & stat.S_IXUSR)


def unreadable(path: Path | str, error: OSError, output: str) -> OutputError:
    """The error for a part of an output that the system does not let be read."""
    return OutputError(f"output {output!r}: {path} cannot be read: {error.strerror or error}")


def _refused(path: Path, kind: str, output: str) -> OutputError:
    return OutputError(
        f"output {output!r}: {path} is {kind}, so it cannot be kept; remove it before the directory is returned"
    )


def _joined(name: str, below: str) -> str:
    return f"{name}/{below}" if name else below
