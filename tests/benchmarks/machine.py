"""Where figures come from: the machine, the file system, the versions and the commit."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

_LIBRARIES = ("plugbay", "plugbay-hookspecs", "plugbay-local", "pluggy", "attrs", "cattrs", "platformdirs", "filelock")
_IN_MEMORY = ("tmpfs", "ramfs")


def describe(directory: Path) -> dict[str, Any]:
    """Describe the machine and the file system that ``directory`` lies on."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "kernel": f"{platform.system()} {platform.release()}",
        "load": [round(load, 2) for load in os.getloadavg()],
        "filesystem": file_system(directory),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": {name: _version(name) for name in (*_LIBRARIES, "numpy")},
        "commit": _commit(),
    }


def file_system(directory: Path) -> str:
    """The kind of file system and the device that a directory lies on; ``unknown`` where it cannot be told."""
    best = ("", "unknown")
    with suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            fields, _, about = line.partition(" - ")
            mount = fields.split()[4].replace("\\040", " ")
            if directory.resolve().is_relative_to(mount) and len(mount) >= len(best[0]):
                kind, device, *_ = about.split()
                best = (mount, f"{kind} on {device}")
    return best[1]


def is_in_memory(file_system: str) -> bool:
    """Whether nothing that is written there ever reaches a disk."""
    return file_system.split()[0] in _IN_MEMORY


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    git = ["git", "-C", str(Path(__file__).parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
        changes = subprocess.run([*git, "status", "--porcelain"], check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return f"{commit[:12]}{' with changes' if changes else ''}"
