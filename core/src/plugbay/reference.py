"""Names for functions and classes that another process can import: ``module:qualified.name``."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

_OWN = frozenset({"plugbay", "plugbay_hookspecs"})
_LIBRARIES = frozenset({"stdlib", "platstdlib", "purelib", "platlib"})
MAIN = ("__main__", "__mp_main__")
"""What the script that is running is called: in the process that was started with it, and in workers of that one."""


def main_module_name() -> str | None:
    """The name under which another process can import the script that is running; ``None`` without a file."""
    main = sys.modules.get("__main__")
    spec = getattr(main, "__spec__", None)
    if spec is not None and spec.name != "__main__":
        return str(spec.name)
    file = getattr(main, "__file__", None)
    return os.path.basename(file).removesuffix(".py") if file and str(file).endswith(".py") else None  # noqa: PTH119  called twice a step


def module_name(value: Any) -> str | None:
    """The module that defines ``value``, a script by the name of its file; ``None`` where there is no such module."""
    name = getattr(value, "__module__", None)
    if not isinstance(name, str):  # a class of functions may have a descriptor of theirs
        return None
    return main_module_name() if name in MAIN else name


def reference_to(value: Any) -> str | None:
    """Return ``module:qualname`` of a function or class, ``None`` when it cannot be imported by a name."""
    module, qualname = module_name(value), getattr(value, "__qualname__", None)
    if module is None or not isinstance(qualname, str) or "<" in qualname:
        return None
    return f"{module}:{qualname}"


def resolve(reference: str) -> Any:
    """Import what ``reference`` names. Raises ``ImportError`` or ``AttributeError`` when it is not there."""
    name, _, qualname = reference.partition(":")
    found: Any = import_module(name)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def import_module(name: str) -> ModuleType:
    """Import a module, taking the running script for the module of its name."""
    if name == main_module_name():
        return sys.modules["__main__"]
    return importlib.import_module(name)


def resolve_named(reference: str, *roots: str) -> Any:
    """Give what a document in an artifact store names, which others may have written.

    Its module is one that is imported already, one of the project, or one of Plugbay's own, and no code of it is run but what
    importing it runs.

    :param roots: directories that hold the project's code, beside that of the running script, those that code of the project
        was imported from already, and the current one.
    :raises ImportError: when the module is not there, or another one.
    """
    name, _, qualname = reference.partition(":")
    if name not in sys.modules and name != main_module_name() and not _belongs_to_project(name, roots):
        msg = (
            f"{name!r} is neither imported already nor a module of the project; import it first if it is to be trusted"
        )
        raise ImportError(msg)
    found: Any = import_module(name)
    for part in qualname.split("."):
        try:
            found = vars(found)[part]  # getattr would run a module's own __getattr__
        except (KeyError, TypeError):
            msg = f"{reference} is not there"
            raise AttributeError(msg) from None
    return found


def _belongs_to_project(name: str, roots: Iterable[str]) -> bool:
    import importlib.util  # few documents name a class, and fewer one that is not imported

    top = name.partition(".")[0]
    if top in _OWN:
        return True
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return False
    root = _root_of(
        getattr(spec, "origin", None), next(iter(getattr(spec, "submodule_search_locations", None) or ()), None)
    )
    if root is None or _is_library(root):
        return False
    if root in {os.path.realpath(directory) for directory in (*roots, os.curdir)}:
        return True
    return any(_root_of_module(module) == root for module in list(sys.modules.values()))


def _root_of_module(module: ModuleType) -> str | None:
    """The directory that a module which is imported already was found in, as a module or package at the top."""
    spec = getattr(module, "__spec__", None)
    name = getattr(spec, "name", "")
    if "." in name:
        return None
    return _root_of(getattr(module, "__file__", None), next(iter(getattr(module, "__path__", ())), None))


def _root_of(file: str | None, package: str | None) -> str | None:
    if package is not None:
        return os.path.dirname(os.path.realpath(package))
    return os.path.dirname(os.path.realpath(file)) if file and file.startswith(os.sep) else None


def _is_library(directory: str) -> bool:
    """Whether the standard library or installed distributions lie in the directory."""
    import sysconfig  # as above

    libraries = {os.path.realpath(path) for key, path in sysconfig.get_paths().items() if key in _LIBRARIES}
    within = any(directory == path or directory.startswith(path + os.sep) for path in libraries)
    return within or not {"site-packages", "dist-packages"}.isdisjoint(Path(directory).parts)
