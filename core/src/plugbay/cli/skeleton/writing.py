"""Write a distribution from its templates, whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from string import Template

from plugbay.cli.skeleton.names import Names
from plugbay.errors import PlugbayError

TEMPLATES = Path(__file__).with_name("templates")
SUFFIX = ".template"
"""Ends the names of templates, so that nobody takes one for Python."""


def rendered(names: Names) -> dict[str, str]:
    """The texts of all files by their paths, ``/``-separated and sorted."""
    flavor = TEMPLATES / "flavors" / names.component_type
    about = tomllib.loads((flavor / "about.toml").read_text(encoding="utf-8"))
    placeholders = {
        **names.placeholders(),
        "summary": about["summary"],
        "settings": about["settings"].strip(),
        "dependencies": _quoted(["plugbay-hookspecs>=0.1,<0.2", *about.get("dependencies", ())]),
        "test_dependencies": _quoted(["plugbay[testing]>=0.1,<0.2", "pytest-timeout>=2.3", *about.get("test", ())]),
    }
    templates = [(root, path) for root in (TEMPLATES / "distribution", flavor) for path in root.rglob(f"*{SUFFIX}")]
    shared = TEMPLATES / "shared"
    templates += [(shared, shared / "src" / "$package" / f"{name}.py{SUFFIX}") for name in about.get("shared", ())]
    files = {}
    for root, template in templates:
        name = template.relative_to(root).as_posix().removesuffix(SUFFIX)
        text = Template(template.read_text(encoding="utf-8")).substitute(placeholders)
        files[Template(name).substitute(placeholders)] = text
    return dict(sorted(files.items()))


def write_distribution(names: Names, directory: Path) -> list[str]:
    """Write the distribution into a directory that is not there yet; return the files' paths in it.

    All is written beside it first and then renamed, so that whoever is interrupted leaves nothing half-written. Raises
    :class:`PlugbayError` when the directory exists or cannot be written.
    """
    if os.path.lexists(directory):
        msg = f"{directory} exists already; give another one: --directory DIR"
        raise PlugbayError(msg)
    files = rendered(names)
    scratch = None
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
        for name, text in files.items():
            path = scratch / "new" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        # The rename takes the place of an empty directory that was made meanwhile, and of nothing else.
        (scratch / "new").rename(directory)
    except OSError as error:
        msg = f"{directory} cannot be written: {error.strerror or error}"
        raise PlugbayError(msg) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return list(files)


def _quoted(requirements: Sequence[str]) -> str:
    return ", ".join(f'"{requirement}"' for requirement in requirements)
