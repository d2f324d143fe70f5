"""Debian packages that a test needs: installed when missing, one installation at a time."""

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from filelock import FileLock

from plugbay.testing.waiting import stretched
from servers.installing import install
from servers.lacking import lacking

_LOCK = Path(tempfile.gettempdir()) / "plugbay-tests-apt.lock"
# A package's own process may hold dpkg's lock; a mirror that does not answer is asked again.
_APT_GET = ("apt-get", "--quiet", "-o=DPkg::Lock::Timeout=120", "-o=Acquire::Retries=3", "-o=Acquire::http::Timeout=30")
_QUIET = {
    "DEBIAN_FRONTEND": "noninteractive",
    "PYTHONPATH": "",
    "PYTHONWARNINGS": "",
}  # packages have scripts in Python


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
        command = [*_APT_GET, "install", "--yes", "--no-install-recommends", *missing]
        install(" ".join(missing), command, seconds=300, environment=_QUIET, before_second_try=_put_right)


def _is_installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", package]
    try:
        return subprocess.run(query, capture_output=True, text=True).stdout == "installed"
    except FileNotFoundError:
        return False


def _put_right() -> None:
    """Finish what an interrupted installation left, and get the lists of packages anew; the second try tells what lacks."""
    for command in (["dpkg", "--configure", "-a"], [*_APT_GET, "update"]):
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(command, capture_output=True, env={**os.environ, **_QUIET}, timeout=stretched(120))
