"""Which machine this is, and whether a process of it lives.

Two processes are on one machine, for what is asked here, when each can tell whether the other lives: they share a kernel that was
started once, and see the same process ids. A container is a machine of its own.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

UNKNOWN = "unknown"
MACHINE_ID_FILES = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_NAMESPACES = ("pid", "time")  # the time namespace shifts what /proc says of the start of a process


@functools.cache
def boot_id() -> str:
    """Changes whenever the machine starts; ``unknown`` where the system does not tell."""
    return _content("/proc/sys/kernel/random/boot_id") or UNKNOWN


@functools.cache
def machine() -> str:
    """Tells this machine from others, also from one of the same name; empty where that cannot be known.

    A digest, because the machine id is not for others to read.
    """
    namespaces = [_link(f"/proc/self/ns/{name}") for name in _NAMESPACES]
    if boot_id() == UNKNOWN or not namespaces[0]:
        return ""
    known = next(filter(None, map(_content, MACHINE_ID_FILES)), "")
    return hashlib.sha256("\0".join(["plugbay", known, boot_id(), *namespaces]).encode()).hexdigest()[:32]


def started(pid: int) -> str:
    """When the process began, in ticks since the machine did; empty where the system does not tell."""
    return _facts(pid)[1]


def lives(pid: int, began: str) -> bool | None:
    """Whether the process ``pid`` that began then lives on this machine; ``None`` where the system does not tell."""
    if sys.platform == "win32":
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's process, or no process id at all
        pass
    state, found = _facts(pid)
    if not found or not began:
        return None
    return found == began and state not in ("Z", "X")


def _facts(pid: int) -> tuple[str, str]:
    """The state of a process and when it began, from ``/proc``."""
    fields = _content(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if len(fields) > 19 else ("", "")


def _content(path: str) -> str:
    with suppress(OSError, ValueError):
        return Path(path).read_text().strip()
    return ""


def _link(path: str) -> str:
    with suppress(OSError):
        return os.readlink(path)  # noqa: PTH115  a name, not a path
    return ""
