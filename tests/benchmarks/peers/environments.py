"""A virtual environment for each peer, made once and kept."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from catalogue import PLUGBAY, Peer

_VERSIONS = """
import importlib.metadata, json
found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
print(json.dumps(dict(sorted(found.items(), key=lambda item: item[0].lower()))))
"""
_STAMP = "peers.json"


class CannotInstall(Exception):
    """The environment of a peer could not be made; the text is the reason."""


@dataclass(frozen=True)
class Environment:
    """An environment that has everything a peer needs."""

    python: Path
    versions: dict[str, str]
    """Of every distribution in it."""

    def version(self, peer: Peer) -> str:
        """Return the peer's own version."""
        return next((v for name, v in self.versions.items() if name.lower() == peer.name), "?")


def prepare(peer: Peer, folder: Path) -> Environment:
    """Make the environment below ``folder``, or take the one that is there. Raises :class:`CannotInstall`.

    This repository's distributions are installed anew, because their code changes under the same version.
    """
    home = folder.absolute() / peer.name
    python = home / "bin" / "python"
    wanted = {"requirements": list(peer.requirements), "python": sys.version}
    stamp = home / _STAMP
    if not stamp.exists() or json.loads(stamp.read_text()) != wanted:
        shutil.rmtree(home, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        _call(*_create(home))
        _call(*_install(python), *peer.requirements)
        stamp.write_text(json.dumps(wanted))
    elif peer is PLUGBAY:
        again = "--reinstall" if _uv() else "--force-reinstall"
        _call(*_install(python), "--no-deps", again, *peer.requirements)
    return Environment(python, json.loads(_call(str(python), "-c", _VERSIONS)))


def _uv() -> list[str]:
    """Return the command that is uv, or nothing."""
    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    return [found] if found else []


def _create(home: Path) -> list[str]:
    uv = _uv()
    if uv:
        return [*uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(home)]
    return [sys.executable, "-m", "venv", str(home)]


def _install(python: Path) -> list[str]:
    uv = _uv()
    if uv:
        return [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    return [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _call(*command: str) -> str:
    """Run a command and return what it printed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = " ".join((done.stderr or done.stdout).split())[-500:]
        msg = f"{' '.join(command[:4])} ... ended with {done.returncode}: {reason}"
        raise CannotInstall(msg)
    return done.stdout
