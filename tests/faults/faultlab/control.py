"""What the shim in C is told, and what it tells: the other half of ``shim/faults.c``."""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterable
from enum import IntEnum, IntFlag
from pathlib import Path

SOURCE = Path(__file__).parent / "shim" / "faults.c"


class Class(IntFlag):
    """What kinds of calls there are."""

    OPEN = 1
    WRITE = 2
    SYNC = 4
    MAKE = 8
    MOVE = 16
    REMOVE = 32
    CHANGE = 64
    READ = 128


CHANGES = ~Class.READ & (Class.READ - 1)
"""Every call that changes a file system, or opens a file to change it."""


class Role(IntFlag):
    """Whose calls count."""

    DRIVER = 1
    WORKER = 2


class Kind(IntEnum):
    """What the call meets."""

    COUNT = 0
    KILL = 1
    TEAR = 2
    FAIL = 3
    STOP = 4


class _Layout(ctypes.Structure):
    _fields_ = (
        ("driver", ctypes.c_int32),
        ("classes", ctypes.c_uint32),
        ("roles", ctypes.c_uint32),
        ("at", ctypes.c_uint32),
        ("kind", ctypes.c_uint32),
        ("number", ctypes.c_int32),
        ("lasting", ctypes.c_uint32),
        ("everyone", ctypes.c_uint32),
        ("delay", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("met", ctypes.c_int32),
        ("processes", ctypes.c_uint32),
        ("pids", ctypes.c_int32 * 256),
        ("what", ctypes.c_char * 512),
        ("below", (ctypes.c_char * 256) * 4),
        ("trace", ctypes.c_char * 256),
    )


class Control:
    """A file that all processes of a run map."""

    def __init__(
        self,
        path: Path,
        below: Iterable[Path],
        *,
        at: int = 0,
        kind: Kind = Kind.COUNT,
        number: int = 0,
        lasting: bool = False,
        classes: Class = CHANGES,
        roles: Role = Role.DRIVER | Role.WORKER,
        everyone: bool = False,
        delay: float = 0.0,
        trace: Path | None = None,
    ) -> None:
        """Write down what is to happen; see ``shim/faults.c``."""
        self.path = path
        path.write_bytes(bytes(ctypes.sizeof(_Layout)))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)
        told = self._told = _Layout.from_buffer(self._map)
        told.at, told.kind, told.number, told.lasting = at, kind, number, lasting
        told.classes, told.roles, told.everyone = classes, roles, everyone
        told.delay = round(delay * 1e6)
        told.trace = os.fsencode(trace or "")
        for place, directory in enumerate(below):
            told.below[place].value = os.fsencode(directory)

    @property
    def count(self) -> int:
        """How many calls there were."""
        return int(self._told.count)

    @property
    def met(self) -> int:
        """The process that met the fault; 0 when none has."""
        return int(self._told.met)

    @property
    def what(self) -> str:
        """The call that met the fault."""
        return os.fsdecode(bytes(self._told.what))

    @property
    def pids(self) -> list[int]:
        """All processes that there were."""
        return list(self._told.pids[: self._told.processes])


@functools.cache
def library() -> Path:
    """The shim, compiled. Raises ``RuntimeError`` that says what is missing."""
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        msg = "the fault suite needs a C compiler, for the shim that sees every write: apt-get install gcc libc6-dev"
        raise RuntimeError(msg)
    target = Path(tempfile.mkdtemp(prefix="plugbay-faults-")) / f"faults{sysconfig.get_config_var('SHLIB_SUFFIX')}"
    command = [
        *compiler.split(),
        "-shared",
        "-fPIC",
        "-O2",
        "-Wall",
        "-Werror",
        "-o",
        target,
        SOURCE,
        "-ldl",
        "-lpthread",
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        msg = f"{' '.join(map(str, command))} failed:\n{done.stderr}"
        raise RuntimeError(msg)
    return target
