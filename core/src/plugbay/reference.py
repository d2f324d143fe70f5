"""Names for functions and classes that another process can import: ``module:qualified.name``."""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any


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
    return main_module_name() if name in ("__main__", "__mp_main__") else name


def reference_to(value: Any) -> str | None:
    """Return ``module:qualname`` of a function or class, ``None`` when it cannot be imported by a name."""
    module, qualname = module_name(value), getattr(value, "__qualname__", None)
    if module is None or qualname is None or "<" in qualname:
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
