"""Finding a pipeline by what a person calls it: ``pipeline.py:flights`` or ``package.module:flights``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from plugbay.errors import TargetError, did_you_mean, listed


def load_module(place: str) -> ModuleType:
    """Import a module by its file (a path that ends in ``.py``) or its dotted name.

    A file's directory is put on ``sys.path``, as running it would. Raises :class:`TargetError`; what the module itself
    raises when it is imported is its cause.
    """
    if place.endswith(".py"):
        path = Path(place).expanduser().absolute()
        if not path.is_file():
            msg = f"there is no file {path}"
            raise TargetError(msg)
        name = path.stem
        if not name.isidentifier():
            msg = f"{path} cannot be imported: {name!r} is no Python identifier; rename the file"
            raise TargetError(msg)
        _put_on_path(path.parent)
    else:
        name, path = place, None
        _put_on_path(Path.cwd())
    module = _imported(name, place)
    loaded = getattr(module, "__file__", None)
    if path is not None and (loaded is None or Path(loaded).resolve() != path.resolve()):
        msg = f"{path} cannot be imported as {name!r}, because that module is {loaded or 'built in'}; rename the file"
        raise TargetError(msg)
    return module


def _put_on_path(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _imported(name: str, place: str) -> ModuleType:
    main = sys.modules.get("__main__")
    main_file = getattr(main, "__file__", None)
    if main is not None and main_file and place.endswith(".py") and Path(main_file).resolve() == Path(place).resolve():
        return main
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (error.name == name or name.startswith(f"{error.name}.")):
            msg = f"there is no module {name!r}; name a file with its .py ending, or a module that can be imported from here"
            raise TargetError(msg) from error
        msg = f"{place} cannot be imported: {error}"
        raise TargetError(msg) from error
    except (Exception, SystemExit) as error:
        msg = f"{place} cannot be imported: {type(error).__name__}: {error}"
        raise TargetError(msg) from error


def load_object(target: str, kind: type, what: str) -> Any:
    """Import ``place:name``; without a name, the only ``kind`` in the module.

    :param what: the noun for error messages: ``pipeline``.
    """
    place, _, name = target.rpartition(":") if ":" in target else (target, "", "")
    module = load_module(place)
    found = {key: value for key, value in vars(module).items() if isinstance(value, kind)}
    if not name:
        if len(found) == 1:
            return next(iter(found.values()))
        msg = f"{place} has {len(found) or 'no'} {what}s ({listed(found)}); say which: {place}:NAME"
        raise TargetError(msg)
    if name in found:
        return found[name]
    if hasattr(module, name):
        msg = f"{place}:{name} is a {type(getattr(module, name)).__name__}, not a {what}"
        raise TargetError(msg)
    msg = f"{place} has no {what} {name!r}{did_you_mean(name, found)} (it has: {listed(found)})"
    raise TargetError(msg)
