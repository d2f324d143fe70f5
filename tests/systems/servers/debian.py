"""Debian packages that a test needs: installed when missing, one installation at a time."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from filelock import FileLock

from servers.lacking import lacking

_LOCK = Path(tempfile.gettempdir()) / "plugbay-tests-apt.lock"
_QUIET = {"DEBIAN_FRONTEND": "noninteractive"}


def need(*packages: str) -> None:
    """Install the Debian *packages* that are missing; skip or fail the test where that cannot be done."""
    with FileLock(_LOCK):
        missing = [package for package in packages if not _is_installed(package)]
        if not missing:
            return
        if shutil.which("apt-get") is None or os.geteuid() != 0:
            lacking(
                f"the Debian packages {', '.join(missing)} are not installed, and only root can install them with apt-get"
            )
        installing = _apt_get("install", "--yes", "--no-install-recommends", *missing)
        if installing.returncode:
            _apt_get("update")
            installing = _apt_get("install", "--yes", "--no-install-recommends", *missing)
        if installing.returncode:
            lacking(
                f"apt-get install {' '.join(missing)} failed:\n{installing.stdout[-2000:]}{installing.stderr[-2000:]}"
            )


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
    try:
        return subprocess.run(query, capture_output=True, text=True).stdout == "installed"
    except FileNotFoundError:
        return False


def _apt_get(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["apt-get", "--quiet", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **_QUIET}, timeout=600)
