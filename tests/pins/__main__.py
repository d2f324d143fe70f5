"""Renew ``constraints.txt`` and say what moved (``tox run -e constraints``), or install the lowest versions that are declared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pins import FILE, PYTHONS, ROOT, declared, direct_requirements, of_the_plain_tests, read_pins, tox_lines

HEADER = """\
# Under these versions every environment of tox.ini is installed but `newest` and `lowest`.
# Written by `tox run -e constraints`, for Python {first} to {last}. To hold a version back, bound it in tox.ini or a pyproject.toml.
"""
TOO_BIG = re.compile(r"torch|torchvision|torchaudio|triton|jax|jaxlib|tensorflow|nvidia-.*|cuda-.*")
"""What no test uses, and what takes gigabytes."""


def renew() -> None:
    """Compile the newest versions that go together."""
    before = FILE.read_text() if FILE.exists() else ""
    wanted = sorted({str(direct.requirement) for direct in direct_requirements()})
    pins = compiled(wanted, "--universal")
    unwanted = sorted({pin.name for pin in read_pins(pins) if TOO_BIG.fullmatch(pin.name)})
    if unwanted:
        sys.exit(f"{', '.join(unwanted)} would be pinned, and no test uses it; bound the requirement that brings it")
    FILE.write_text(HEADER.format(first=PYTHONS[0], last=PYTHONS[-1]) + pins)
    _follow(ROOT / "tox.ini", read_pins(pins))
    moved = list(moves(read_pins(before), read_pins(pins)))
    print("\n".join(moved) or "nothing moved")


def moves(before: Iterable[Requirement], after: Iterable[Requirement]) -> Iterable[str]:
    """Lines of ``name old -> new``, in the order of the names."""
    old, new = _versions(before), _versions(after)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"


def install_lowest() -> None:
    """Install what the plain tests need into this environment, with the lowest versions that the distributions declare."""
    direct = [requirement for folder in of_the_plain_tests() for requirement in declared(folder)]
    lowest = compiled(sorted({str(requirement) for requirement in direct}), "--resolution", "lowest-direct")
    names = {canonicalize_name(requirement.name) for requirement in direct}
    kept = [str(pin) for pin in read_pins(lowest) if pin.name in names]
    print(*kept, sep="\n", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        constraints, wanted_file = Path(scratch, "lowest.txt"), Path(scratch, "wanted.txt")
        constraints.write_text("\n".join(kept))
        wanted_file.write_text("\n".join(line.replace("{tox_root}", str(ROOT)) for line in tox_lines("testenv")))
        _uv("install", "--python", sys.executable, "--constraint", str(constraints), "--requirement", str(wanted_file))


def compiled(wanted: Iterable[str], *options: str) -> str:
    """The versions that uv finds for the requirements."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "wanted.in")
        source.write_text("\n".join(wanted))
        quiet = ("--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")
        return _uv("compile", "--no-config", "--python-version", PYTHONS[0], *quiet, *options, str(source))


def _uv(*words: str) -> str:
    environment = {name: value for name, value in os.environ.items() if "CONSTRAINT" not in name}
    done = subprocess.run(["uv", "pip", *words], stdout=subprocess.PIPE, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"uv pip {' '.join(words)} ended with {done.returncode}")
    return done.stdout


def _follow(tox: Path, pins: Iterable[Requirement]) -> None:
    """Let tox.ini require the driver that is pinned."""
    text = tox.read_text()
    for name, version in _versions(pins).items():
        text = re.sub(rf"^(    {re.escape(name)}==)\S+$", rf"\g<1>{version}", text, flags=re.MULTILINE)
    tox.write_text(text)


def _versions(pins: Iterable[Requirement]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for pin in pins:
        (version,) = (each.version for each in pin.specifier)
        found.setdefault(pin.name, []).append(version)
    return {name: ", ".join(dict.fromkeys(versions)) for name, versions in found.items()}


if __name__ == "__main__":
    {"renew": renew, "lowest": install_lowest}[sys.argv[1]]()
