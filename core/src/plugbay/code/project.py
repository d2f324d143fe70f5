"""What is the user's own code: neither the standard library's, nor an installed distribution's, nor Plugbay's."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import sysconfig
from pathlib import Path

from plugbay.errors import PlugbayError

_LIBRARIES = tuple(
    str(Path(path).resolve()) + os.sep
    for key, path in sysconfig.get_paths().items()
    if key in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN = frozenset({"plugbay", "plugbay_hookspecs"})


@functools.cache
def is_project_module(name: str | None) -> bool:
    """Tell whether a module is the user's own code: neither the standard library, nor installed, nor Plugbay's."""
    if name in ("__main__", "__mp_main__"):
        return True
    if name is None or name.partition(".")[0] in _OWN or name.partition(".")[0] in sys.stdlib_module_names:
        return False
    module = sys.modules.get(name)
    file = getattr(module, "__file__", None)
    return not hasattr(module, "__path__") if file is None else not _is_installed(Path(file))


def _is_installed(file: Path) -> bool:
    path = file.resolve()
    return str(path).startswith(_LIBRARIES) or not {"site-packages", "dist-packages"}.isdisjoint(path.parts)


def project_source(name: str) -> Path | None:
    """The source file of a project module that need not be imported yet; no installed package is imported for it."""
    top = name.partition(".")[0]
    if top != name and project_source(top) is None:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError, PlugbayError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin).resolve()
    return None if _is_installed(path) or name.partition(".")[0] in _OWN else path
