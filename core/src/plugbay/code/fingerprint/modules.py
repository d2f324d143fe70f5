"""Modules of the project whose source counts as a whole, because code imports them late or looks things up in them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugbay.code.bytecode import code_tree
from plugbay.code.fingerprint.description import Description, Told
from plugbay.code.fingerprint.functions import Studied, collect, tell_import
from plugbay.values import canonical

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_ENVIRONMENT_READERS = frozenset({"environ", "getenv", "environb"})
_FILE_READERS = frozenset({"open", "read_text", "read_bytes", "read", "load", "loads", "read_csv", "load_dotenv"})
_LONGEST_NAME = 200
_LARGEST_FILE = 1 << 24
_MAIN = ("__main__", "__mp_main__")
_NOT_THE_USERS = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
"""What a notebook puts into the namespace of its cells."""


def describe_module(walk: Walk, module: types.ModuleType, found: Description) -> None:
    """Tell a module: by its source when it is the project's, else by its name."""
    name = module.__name__
    if not walk.project.owns(name):
        found.say("library", name)
        return
    source = walk.project.source(name)
    if source is not None:
        describe_source(walk, name, found)
        return
    found.say("module without source", "" if name in _MAIN else name)
    for key, value in sorted(vars(module).items()):
        if not key.startswith("_") and key not in _NOT_THE_USERS:
            found.say("name", key)
            found.refer(f"{name}.{key}", value)


class Source(Told):
    """A module that code imports when it is called, or looks things up in: its source counts as a whole."""

    def __init__(self, name: str) -> None:
        """Stand for the module of this name."""
        self.name = name

    def tell(self, walk: Walk, found: Description) -> None:
        """Tell the source."""
        describe_source(walk, self.name, found)


def describe_source(walk: Walk, name: str, found: Description) -> None:
    """Tell the source of a module of the project."""
    path = walk.project.source(name)
    if path is None:
        found.say("no source", name)
        return
    try:
        content = path.read_bytes()
    except OSError:  # in an archive
        content = _from_loader(name)
    code = compile(_without_docstrings(content), "", "exec", dont_inherit=True)
    found.say("module", "" if name in _MAIN else name, hashlib.sha256(canonical(code_tree(code))).hexdigest())
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    taken = Studied(code)
    found.asks = taken.asks
    for chain in taken.references:
        if chain[0] == "import":
            tell_import(walk, chain, {"__package__": package}, found)
    _tell_what_is_read(code, path, found)


def _tell_what_is_read(code: types.CodeType, path: Path, found: Description) -> None:
    """Tell the environment variables and the files that a module names at its top, where it reads such things.

    Its values are not there to be told: it may not have been imported yet.
    """
    names: set[str] = set()
    texts: set[str] = set()
    collect(code, names, texts, only_when_imported=True)
    if names & _ENVIRONMENT_READERS:
        for text in sorted(texts & os.environ.keys()):
            found.say("environment", text, os.environ[text])
    if names & _FILE_READERS:
        for text in sorted(texts):
            _tell_file(path.parent, text, found)


def _tell_file(directory: Path, name: str, found: Description) -> None:
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        return
    for file in (directory / name, Path(name)):
        try:
            if file.is_file() and file.stat().st_size < _LARGEST_FILE:
                found.say("file", name, hashlib.sha256(file.read_bytes()).hexdigest())
                return
        except (OSError, ValueError):
            continue


def _from_loader(name: str) -> bytes:
    try:
        spec = importlib.util.find_spec(name)
        get_source = getattr(getattr(spec, "loader", None), "get_source", None)
        return (get_source(name) or "").encode() if get_source is not None else b""
    except (ImportError, ValueError):
        return b""


def _without_docstrings(source: bytes) -> Any:
    import ast  # few steps import modules when they are called

    tree = ast.parse(source)
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass(lineno=1, col_offset=0)]
    return tree
