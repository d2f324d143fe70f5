"""The tools of containers, buildah and podman, with a storage of the tests' own and a base image with Python and pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import frozen
from filelock import FileLock

from servers.debian import need
from servers.installing import install
from servers.lacking import lacking

BASE = "localhost/plugbay/base:1"
"""The base image: Debian with ``python`` and pip."""
_PACKAGES = ("python3-minimal", "python3-pip", "ca-certificates")
_RELEASE = "bookworm"
_UNUSED = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "var/lib/apt/lists", "var/cache")
_CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@frozen
class Containers:
    """A storage that buildah and podman share, and how they are configured."""

    directory: Path

    @property
    def storage(self) -> dict[str, Path | str]:
        """The settings of the flavors that say where images and containers are kept."""
        return {"root": self.directory / "graph", "runroot": self.directory / "run", "driver": "overlay"}

    @property
    def environment(self) -> dict[str, str]:
        """The variables that the tools need."""
        return {"CONTAINERS_CONF": str(self.directory / "containers.conf")}

    def run(self, tool: str, *arguments: str | Path) -> str:
        """Run one of the tools; return what it prints."""
        options = [
            f"--{'storage-driver' if name == 'driver' else name}={value}" for name, value in self.storage.items()
        ]
        command = [tool, *options, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **self.environment})
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def remove(self) -> None:
        """End and remove all containers of this storage, and the storage."""
        if shutil.which("podman"):
            self._try("podman", "rm", "--all", "--force", "--time=0")
        self._try("buildah", "rm", "--all")
        mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        for mounted in sorted((path for path in mounts if path.startswith(f"{self.directory}/")), reverse=True):
            subprocess.run(["umount", "--lazy", mounted], capture_output=True)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _try(self, tool: str, *arguments: str) -> None:
        with suppress(AssertionError):
            self.run(tool, *arguments)


@contextmanager
def containers(*, podman: bool = False) -> Iterator[Containers]:
    """Make a storage that has the base image; skip or fail the test where that cannot be.

    It does not lie in pytest's directories: what is mounted there would keep those from being removed.
    """
    need("buildah", "runc", "debootstrap", *(["podman", "netavark", "catatonit", "iptables"] if podman else []))
    made = Containers(Path(tempfile.mkdtemp(prefix="plugbay-containers-")))
    try:
        (made.directory / "containers.conf").write_text(_CONFIGURATION)
        container = made.run("buildah", "from", "scratch")
        made.run("buildah", "add", "--quiet", container, root_file_system(), "/")
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        made.run("buildah", "config", "--env", path, "--cmd", "python", container)
        made.run("buildah", "commit", "--quiet", "--rm", container, BASE)
        yield made
    finally:
        made.remove()


def root_file_system() -> Path:
    """The base image's files as an archive; made once for a machine, which takes a minute."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plugbay-tests"
    cache.mkdir(parents=True, exist_ok=True)
    archive = cache / f"debian-{_RELEASE}-python-1.tar"
    with FileLock(f"{archive}.lock"):
        if not archive.exists():
            if os.geteuid() != 0:
                lacking("only root can make the base image, with debootstrap")
            with tempfile.TemporaryDirectory(prefix="plugbay-tests-rootfs-") as scratch:
                _bootstrap(Path(scratch, "root"))
                part = archive.with_suffix(".part")
                subprocess.run(["tar", "-C", f"{scratch}/root", "-cf", str(part), "."], check=True)
                part.replace(archive)
    return archive


def wheels(directory: Path, distributions: Sequence[Path]) -> Path:
    """Build the wheels of distributions of the checkout, and of all they require, for the driver's Python."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", f"--wheel-dir={directory}"]
    done = subprocess.run([*pip, *map(str, distributions)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


def _bootstrap(root: Path) -> None:
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(_PACKAGES)}", _RELEASE, str(root), *_mirror()]
    install("the base image", command, seconds=300, before_second_try=lambda: shutil.rmtree(root, ignore_errors=True))
    for unused in _UNUSED:
        shutil.rmtree(root / unused, ignore_errors=True)
    for device in (root / "dev").iterdir():  # a container has its own
        shutil.rmtree(device) if device.is_dir() and not device.is_symlink() else device.unlink()
    (root / "usr/bin/python").symlink_to("python3")
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()  # the image is there to install into


def _mirror() -> list[str]:
    """The mirror that this machine is told to use."""
    for file in sorted(Path("/etc/apt").rglob("*.sources")):
        for line in file.read_text().splitlines():
            if line.startswith("URIs:"):
                return line.split()[1:2]
    return []
