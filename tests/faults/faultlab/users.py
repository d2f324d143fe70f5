"""Commands as other users, and on other machines as far as one machine can be several: in namespaces, with ids and clocks of their own."""

from __future__ import annotations

import atexit
import functools
import importlib.metadata
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import field, frozen

_MACHINE = Path(__file__).with_name("machine")
"""A ``sitecustomize`` that sets the clock of a machine ahead."""


_NEEDED = ("attr", "attrs", "cattr", "cattrs", "filelock", "platformdirs", "pluggy", "typing_extensions")
_OWN = ("plugbay", "plugbay_hookspecs", "plugbay_local")


@functools.cache
def interpreter_for_all() -> tuple[str, str] | None:
    """An interpreter that any user may run, and a directory that any user may read with what it has to import."""
    directory = Path(tempfile.mkdtemp(prefix="plugbay-readable-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    for name in (*_NEEDED, *_OWN):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            continue
        source = Path(spec.origin)
        if spec.submodule_search_locations:
            shutil.copytree(source.parent, directory / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, directory)
    for found in importlib.metadata.distributions():
        if found.metadata["Name"].replace("-", "_") in _OWN:
            place = directory / f"{found.metadata['Name'].replace('-', '_')}-{found.version}.dist-info"
            place.mkdir(exist_ok=True)
            for name in ("METADATA", "entry_points.txt"):
                (place / name).write_text(found.read_text(name) or "")
    subprocess.run(["chmod", "-R", "a+rX", str(directory)], check=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for executable in filter(None, [sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin")]):
        # by a shell: the program that setpriv starts may be one that only root may read
        words = [
            *as_user(4242, 4242),
            "sh",
            "-c",
            'exec "$@"',
            "sh",
            executable,
            "-c",
            "import plugbay.cli, plugbay_local.artifact_store, filelock",
        ]
        environment = {"PATH": os.defpath, "PYTHONPATH": str(directory), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(words, env=environment, capture_output=True, cwd="/", check=False)
        if done.returncode == 0:
            return executable, str(directory)
    return None


def as_user(uid: int, gid: int) -> list[str]:
    """What a command begins with that is run as another user."""
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]


def can_be_others() -> bool:
    """Whether commands can be run as other users here."""
    return os.geteuid() == 0 and shutil.which("setpriv") is not None and interpreter_for_all() is not None


def can_be_elsewhere() -> bool:
    """Whether namespaces can be made here."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run([*namespaces("try", "0" * 32), "true"], capture_output=True, check=False).returncode == 0


def namespaces(host: str, machine_id: str) -> list[str]:
    """What a command begins with that is run on a machine of its own: host name, machine id, processes, network."""
    script = f'hostname {host}; printf %s {machine_id} > "$0"; mount --bind "$0" /etc/machine-id || exit 1; rm -f "$0"; exec "$@"'
    handle, name = tempfile.mkstemp(prefix="machine-id-")
    os.close(handle)
    return [
        "unshare",
        "--uts",
        "--pid",
        "--mount",
        "--net",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "sh",
        "-c",
        script,
        name,
    ]


@frozen
class Machine:
    """A user on a machine, with a home of its own."""

    home: Path
    project: Path
    store: Path
    before: Sequence[str] = ()
    """What each command begins with."""
    ahead: float = 0.0
    """Seconds by which the clock is ahead."""
    silence: float | None = None
    """Seconds without a sign of life after which a driver counts as gone; the true ones where it is not set."""
    settings: Mapping[str, str] = field(factory=dict)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``plugbay`` in a session of its own."""
        executable, path = (interpreter_for_all() if self.before else None) or (sys.executable, "")
        if self.before:
            shutil.copy(_MACHINE / "sitecustomize.py", path)
        path = path or str(_MACHINE)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLUGBAY_", "FAULTS_"))}
        return subprocess.Popen(
            [*self.before, executable, "-m", "plugbay", *words],
            cwd=self.project,
            env={
                **kept,
                "HOME": str(self.home),
                "PLUGBAY_HOME": str(self.home),
                "PLUGBAY_OBSERVERS": "[]",
                "PLUGBAY_STACKS__DEFAULT__ARTIFACT_STORE__PATH": str(self.store),
                "PYTHONPATH": path,
                "PYTHONDONTWRITEBYTECODE": "1",
                "MACHINE_AHEAD": str(self.ahead),
                "MACHINE_SILENCE": "" if self.silence is None else str(self.silence),
                **self.settings,
                **environment,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run ``plugbay`` to its end; return its code and what it said."""
        process = self.start(*words, **environment)
        try:
            said = process.communicate(timeout=300)[0]
        except BaseException:
            end(process)
            raise
        return process.returncode, said


def end(process: subprocess.Popen[str]) -> None:
    """Kill a command and everything that it has started in its session."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    with suppress(ValueError):  # it was read to its end already
        process.communicate()
