"""What the operating system keeps for a process."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from plugbay.execution.leftovers.thing import Thing, Things

if sys.platform == "linux":
    import resource

    _LIMITS = (
        resource.RLIMIT_AS,
        resource.RLIMIT_CORE,
        resource.RLIMIT_CPU,
        resource.RLIMIT_DATA,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_NOFILE,
        resource.RLIMIT_NPROC,
        resource.RLIMIT_STACK,
    )

_ENVIRON = os.environ
"""A step may put something else into its place."""
_VARIABLES: Any = getattr(os, "environb", os.environ)
_content: Any = getattr(_VARIABLES, "_data", _VARIABLES)
"""Copied in a hundredth of the time that the mapping itself takes."""


def _directory() -> tuple[str | None]:
    try:
        return (os.getcwd(),)  # noqa: PTH109  each step asks twice
    except OSError:  # it was removed
        return (None,)


def _go_back(directory: str | None) -> None:
    if directory is None:
        msg = "it was a directory that had been removed"
        raise FileNotFoundError(msg)
    os.chdir(directory)


def _set_variables(before: tuple[bool, dict[Any, Any]]) -> None:
    if before[0]:
        os.environ = _ENVIRON  # noqa: B003  it puts the environment itself back
    now, then = dict(_content), before[1]
    for name in now.keys() - then.keys():
        del _VARIABLES[name]
    for name, value in then.items():
        if now.get(name) != value:
            _VARIABLES[name] = value


class _Umask:
    """The umask can be read only by setting it; setting what it is anyway disturbs no other thread."""

    def __init__(self) -> None:
        self._known = 0o077

    def read(self) -> int:
        found = os.umask(self._known)
        if found != self._known:
            os.umask(found)
            self._known = found
        return found


_umask = _Umask()


def _read() -> tuple[Any, ...]:
    return (
        (os.environ is _ENVIRON, _content.copy()),
        _umask.read(),
        (time.tzname, time.timezone, time.altzone),
    )


def _read_linux() -> tuple[Any, ...]:
    limit = resource.getrlimit
    return (
        *_read(),
        (os.getresuid(), os.getresgid()),
        os.getpgrp(),
        os.getpriority(os.PRIO_PROCESS, 0),
        os.sched_getaffinity(0),
        [limit(number) for number in _LIMITS],
    )


def _become(before: tuple[tuple[int, int, int], tuple[int, int, int]]) -> None:
    os.setresuid(*before[0])
    os.setresgid(*before[1])


def _set_limits(before: list[tuple[int, int]]) -> None:
    lowered: OSError | ValueError | None = None
    for number, (soft, hard) in zip(_LIMITS, before, strict=True):
        if resource.getrlimit(number) != (soft, hard):
            try:
                resource.setrlimit(number, (soft, hard))
            except (
                OSError,
                ValueError,
            ) as error:  # a hard limit that was lowered; the others are put back all the same
                lowered = error
    if lowered is not None:
        raise lowered


def _join(_group: int) -> None:
    msg = "its signals may reach others"
    raise OSError(msg)


DIRECTORY = Things(_directory, (Thing("the working directory", _go_back),))
_ANYWHERE = (
    Thing("environment variables", _set_variables),
    Thing("the umask", os.umask),
    Thing("the time zone", lambda _: time.tzset()),  # after the variables
)
_ON_LINUX = (
    Thing("its user or group", _become),
    Thing("its process group", _join),
    Thing("its priority", lambda before: os.setpriority(os.PRIO_PROCESS, 0, before)),
    Thing("its processors", lambda before: os.sched_setaffinity(0, before)),
    Thing("its limits", _set_limits),
)
SYSTEM = Things(_read_linux, (*_ANYWHERE, *_ON_LINUX)) if sys.platform == "linux" else Things(_read, _ANYWHERE)
