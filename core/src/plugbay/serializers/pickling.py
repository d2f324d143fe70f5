"""Pickles that another process can read: what the script defines goes by the name of its module, whoever runs the script.

Python writes a class of the script as one of ``__main__``, which is another module in each program.
"""

from __future__ import annotations

import io
import pickle
import types
from pathlib import Path
from typing import Any, BinaryIO

from plugbay.host.libraries import LIBRARIES, libraries_of
from plugbay.mentions import Mentions
from plugbay.reference import MAIN, import_module, main_module_name, reference_to, resolve

_PATH = type(Path())


def dump(value: Any, file: BinaryIO) -> Mentions:
    """Write the value to the file; return what it leads to."""
    mentions = Mentions()
    _Pickler(file, mentions).dump(value)
    return mentions


def load(file: BinaryIO) -> Any:
    """Read what :func:`dump` wrote."""
    return _Unpickler(file).load()


def dumps(value: Any) -> bytes:
    """The value as bytes."""
    file = io.BytesIO()
    dump(value, file)
    return file.getvalue()


def loads(content: bytes) -> Any:
    """Read what :func:`dumps` gave."""
    return load(io.BytesIO(content))


class _Pickler(pickle.Pickler):
    def __init__(self, file: BinaryIO, mentions: Mentions) -> None:
        super().__init__(file, protocol=5)
        self._mentions = mentions
        self._known: set[type] = set()

    def reducer_override(self, value: Any) -> Any:
        """Look at each object but those of the plainest types; pickle goes on as ever, but for names of the script."""
        kind = type(value)
        if kind in self._known:
            return NotImplemented
        if isinstance(value, (type, types.FunctionType)):
            return self._by_name(value)
        if isinstance(value, _PATH):
            self._mentions.paths[str(value)] = None
        else:
            self._known.add(kind)
        self._note(kind)
        return self._by_plugin(value, kind)

    def _by_plugin(self, value: Any, kind: type) -> Any:
        """Take the form that the plugin for a library gives its value, which is the same in every process."""
        for library in libraries_of(kind):
            if LIBRARIES.implements(library, "reduced"):
                self._known.discard(kind)  # each value is another
                found = LIBRARIES.ask(library, "reduced", value)
                if found is not None:
                    return found
        return NotImplemented

    def _by_name(self, value: Any) -> Any:
        reference = self._note(value)
        if value.__module__ in MAIN and reference is not None and _leads_to(reference, value):
            return resolve, (reference,)
        return NotImplemented

    def _note(self, value: Any) -> str | None:
        reference = reference_to(value)
        if reference is not None:
            self._mentions.code[reference] = None
        elif value.__module__ in MAIN and "<" not in value.__qualname__:  # a notebook's
            self._mentions.code[f"{value.__module__}:{value.__qualname__}"] = None
        return reference


def _leads_to(reference: str, value: Any) -> bool:
    try:
        return resolve(reference) is value
    except (ImportError, AttributeError):
        return False


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Take the script for the module of its name."""
        if module in MAIN or module == main_module_name():
            try:
                found: Any = import_module("__main__")
                for part in name.split("."):
                    found = getattr(found, part)
                return found
            except AttributeError:  # a library of the script's name
                pass
        return super().find_class(module, name)
