"""What is the user's own code, seen from a step: neither the standard library, nor other distributions, nor Plugbay.

Where a module's file lies decides, not what it is called. Everything outside of the directories that libraries are
installed into is the user's. A step that is installed itself brings its own distribution along: what was installed with it
is its project, and what lies beside it is a library.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from plugbay.errors import PlugbayError

_OWN = frozenset({"plugbay", "plugbay_hookspecs"})
_MAIN = frozenset({"__main__", "__mp_main__"})
_STANDARD = tuple(
    os.path.realpath(path) + os.sep
    for key, path in sysconfig.get_paths().items()
    if key in ("stdlib", "platstdlib") and path
)
_INSTALLED = tuple(
    os.path.realpath(path) + os.sep
    for key, path in sysconfig.get_paths().items()
    if key in ("purelib", "platlib") and path
)
_LIBRARY_FOLDERS = ("site-packages", "dist-packages")


class Project:
    """The user's own code as one step sees it; what it has found out about a module it remembers."""

    def __init__(self, origin: Path | None = None) -> None:
        """See it from code in the file ``origin``; from code without a file, and from a directory of the user's, it is the same."""
        installed_in = None if origin is None else library_directory(origin)
        self.installed = None if origin is None or installed_in is None else _Installed(origin, installed_in)
        self._owned: dict[str, bool] = {}

    @classmethod
    def of(cls, function: Any) -> Project:
        """The project of a function or class."""
        namespace = getattr(function, "__globals__", None)  # of a class of functions it is a descriptor
        name = namespace.get("__name__") if isinstance(namespace, dict) else None
        name = name or getattr(function, "__module__", None)
        return cls.of_module(name if isinstance(name, str) else None)

    @classmethod
    def of_module(cls, name: str | None) -> Project:
        """The project of a module that is imported."""
        return _project_of_file(getattr(sys.modules.get(name or ""), "__file__", None))

    def owns(self, name: str | None) -> bool:
        """Tell whether a module is the user's own code."""
        if not isinstance(name, str):
            return False
        owned = self._owned.get(name)
        if owned is None:
            owned = self._decide(name)
            if name in sys.modules:
                self._owned[name] = owned
        return owned

    def _decide(self, name: str) -> bool:
        if name in _MAIN:
            return True
        if name.partition(".")[0] in _OWN or name in sys.builtin_module_names:
            return False
        module = sys.modules.get(name)
        if module is None:
            return name.partition(".")[0] not in sys.stdlib_module_names  # made by exec, and never a module
        places = _places(module)
        if not places:
            return not _is_built_in(module)
        return any(self.owns_file(place) for place in places)

    def owns_file(self, path: Path) -> bool:
        """Tell whether a file, or the directory of a package, is the user's own code."""
        text = str(path)
        directory = library_directory(path)
        if directory is not None:
            return self.installed is not None and self.installed.owns(path)
        return not text.startswith(_STANDARD)

    def source(self, name: str) -> Path | None:
        """The source file of a module of the project, which need not be imported yet; no library is imported for it."""
        if name in _MAIN:
            file = getattr(sys.modules.get(name), "__file__", None)
            return Path(file).resolve() if file and str(file).endswith(".py") else None
        top = name.partition(".")[0]
        if top in _OWN or name in sys.builtin_module_names:
            return None
        if name in sys.modules:
            file = getattr(sys.modules[name], "__file__", None)
            return Path(file).resolve() if file and str(file).endswith(".py") and self.owns(name) else None
        if top != name and not self._is_package(top):
            return None
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError, AttributeError, PlugbayError):
            return None
        if spec is None or not spec.origin or not spec.origin.endswith(".py"):
            return None
        path = Path(spec.origin).resolve()
        return path if self.owns_file(path) else None

    def _is_package(self, top: str) -> bool:
        """Whether looking for a module below ``top``, which imports it, imports code of the project only."""
        if top in sys.modules:
            return self.owns(top)
        try:
            spec = importlib.util.find_spec(top)
        except (ImportError, ValueError, AttributeError, PlugbayError):
            return False
        if spec is None:
            return False
        if spec.submodule_search_locations and spec.origin is None:
            return any(self.owns_file(Path(place).resolve()) for place in spec.submodule_search_locations)
        return bool(spec.origin) and self.owns_file(Path(str(spec.origin)).resolve())


@functools.cache
def _uninstalled() -> Project:
    return Project()


@functools.cache
def _installed_project(origin: str) -> Project:
    return Project(Path(origin))


@functools.cache
def _project_of_file(file: str | None) -> Project:
    """The project that a module's file belongs to; asked for each call of a step."""
    origin = os.path.realpath(file) if file else None
    if origin is None or library_directory(Path(origin)) is None:
        return _uninstalled()
    return _installed_project(origin)


def forget_projects() -> None:
    """Look at the modules anew: others have been imported under names that were known."""
    _project_of_file.cache_clear()
    _uninstalled.cache_clear()
    _installed_project.cache_clear()


def library_directory(path: Path) -> Path | None:
    """The directory that libraries are installed into and that ``path`` lies in; ``None`` for what is not installed."""
    text = str(path)
    for directory in _INSTALLED:
        if text.startswith(directory):
            return Path(directory)
    parts = path.parts
    for index in range(len(parts) - 1, 0, -1):
        if parts[index] in _LIBRARY_FOLDERS and index < len(parts) - 1:
            return Path(*parts[: index + 1])
    return None


class _Installed:
    """What was installed together with a file: its distribution, or where none has it, its package."""

    def __init__(self, origin: Path, directory: Path) -> None:
        self._directory = directory
        self._files = self._distribution_of(origin)
        relative = origin.relative_to(directory)
        self._package = directory / relative.parts[0] if len(relative.parts) > 1 else None
        self._origin = origin

    def owns(self, path: Path) -> bool:
        if self._files is not None:
            return path in self._files
        if self._package is not None:
            return path == self._package or self._package in path.parents
        return path.parent == self._directory and (path == self._origin or path not in self._of_others)

    def _distribution_of(self, origin: Path) -> frozenset[Path] | None:
        for files in self._distributions():
            if origin in files:
                return files | {
                    parent for file in files for parent in file.parents if self._directory in parent.parents
                }
        return None

    @functools.cached_property
    def _of_others(self) -> frozenset[Path]:
        return frozenset().union(*self._distributions())

    def _distributions(self) -> Iterator[frozenset[Path]]:
        import importlib.metadata  # only steps that are installed need it, and it is slow to import

        for distribution in importlib.metadata.distributions(path=[str(self._directory)]):
            files = distribution.files or ()
            yield frozenset(self._directory / file for file in files if str(file).endswith(".py"))


def _places(module: ModuleType) -> list[Path]:
    """The file of a module, the directories of a package that has none."""
    file = getattr(module, "__file__", None)
    if file:
        return [Path(os.path.realpath(file))]
    try:
        return [Path(os.path.realpath(place)) for place in getattr(module, "__path__", ())]
    except TypeError:
        return []


def _is_built_in(module: ModuleType) -> bool:
    spec = getattr(module, "__spec__", None)
    return getattr(spec, "origin", None) in ("built-in", "frozen")
