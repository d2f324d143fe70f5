"""The script in a worker process that multiprocessing has started: imported as ``__mp_main__``, it becomes ``__main__``.

The other name keeps what is under ``if __name__ == "__main__":`` from being executed while the script is imported. After
that it does harm: what is pickled in the worker goes by it, to processes that have no module of this name.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from contextlib import suppress
from types import FrameType, FunctionType
from typing import Any

_IMPORTED_AS = "__mp_main__"
_IS = "__main__"


def name_main() -> None:
    """Have the script that this process has imported, its functions and its classes go by ``__main__``."""
    main = sys.modules.get(_IMPORTED_AS)
    if main is None or main is not sys.modules.get(_IS) or vars(main).get("__name__") != _IMPORTED_AS:
        return
    main.__name__ = _IS
    seen: set[int] = set()
    waiting = list(vars(main).values())
    while waiting:
        value = waiting.pop()
        if id(value) not in seen:
            seen.add(id(value))
            waiting += _named(value)


def script_that_is_imported() -> str | None:
    """The file of the script, when this process is a worker that has got no further than to import it."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__name__") == _IMPORTED_AS:
            return frame.f_code.co_filename
        frame = frame.f_back
    return None


def _named(value: Any) -> Iterator[Any]:
    """Name a function or a class of the script, and yield what is inside of it."""
    if isinstance(value, FunctionType):
        if value.__module__ == _IMPORTED_AS:
            value.__module__ = _IS
        if value.__globals__.get("__name__") != _IMPORTED_AS and value.__module__ != _IS:
            return
        if value.__globals__.get("__name__") == _IMPORTED_AS:  # it is another dict than the module's
            value.__globals__["__name__"] = _IS
        for cell in value.__closure__ or ():
            with suppress(ValueError):  # it is empty
                yield cell.cell_contents
        yield from vars(value).values()
    elif isinstance(value, type):
        if value.__module__ == _IMPORTED_AS:
            with suppress(AttributeError, TypeError):  # a metaclass may refuse it
                value.__module__ = _IS
            yield from list(vars(value).values())
    elif isinstance(value, (staticmethod, classmethod)):
        yield value.__func__
    elif isinstance(value, property):
        yield from (value.fget, value.fset, value.fdel)
    elif isinstance(value, (functools.partial, functools.partialmethod, functools.cached_property)):
        yield value.func
    else:  # a step, a pipeline, or what else wraps a function
        attributes = getattr(value, "__dict__", None)
        if isinstance(attributes, dict) and type(value).__module__ != "builtins":
            if attributes.get("__module__") == _IMPORTED_AS:
                attributes["__module__"] = _IS
            yield from (attributes[name] for name in ("__wrapped__", "function", "func") if name in attributes)
