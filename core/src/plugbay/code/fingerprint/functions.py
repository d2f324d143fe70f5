"""Functions and modules: what code does, and the names it refers to."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import sys
import types
from typing import TYPE_CHECKING, Any

from plugbay.code.bytecode import changes_names, code_tree, references
from plugbay.code.fingerprint.description import Description
from plugbay.values import canonical

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_ANNOTATION_READERS = frozenset(
    {"__annotations__", "get_type_hints", "get_annotations", "signature", "getfullargspec", "__signature__"}
)
_WHOLE_MODULE = frozenset({"globals", "eval", "exec"})
_BY_NAME = frozenset({"import_module", "__import__", "modules"})
_MAIN = ("__main__", "__mp_main__")
_OF_ATTRS = "<attrs generated"
"""Methods that attrs makes from the attributes of a class, which count; the hash has a number in it that changes."""
_NO_ATTRIBUTES = frozenset({"__wrapped__", "__doc__", "__name__", "__qualname__", "__module__"})
_NOT_THE_USERS = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
"""What a notebook puts into the namespace of its cells."""


class _Code:
    """What does not depend on where code is: its digest and the names it uses."""

    __slots__ = ("asks", "changes", "digest", "names", "references", "texts")

    def __init__(self, code: types.CodeType) -> None:
        self.digest = hashlib.sha256(canonical(code_tree(code))).hexdigest()
        self.references = tuple(dict.fromkeys(references(code)))
        self.changes = changes_names(code)
        self.names: set[str] = set()
        self.texts: set[str] = set()
        _collect(code, self.names, self.texts)
        asks = {"annotations"} if self.names & _ANNOTATION_READERS else set()
        if "__subclasses__" in self.names:
            asks.add("subclasses")
        self.asks = frozenset(asks)


@functools.lru_cache(maxsize=4096)
def _studied(code: types.CodeType) -> _Code:
    return _Code(code)


def _collect(code: types.CodeType, names: set[str], texts: set[str]) -> None:
    names.update(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _collect(constant, names, texts)
        elif isinstance(constant, str):
            texts.add(constant)


def describe_function(walk: Walk, function: Any, found: Description) -> None:
    """Tell a function of the project: its code, its defaults, what it closes over, its attributes, and what it refers to."""
    if function.__code__.co_filename.startswith(_OF_ATTRS):
        found.say("of attrs", function.__name__)
        return
    studied = _studied(function.__code__)
    found.say("function", studied.digest)
    where = f"{_home(function)}.{function.__qualname__}"
    if function.__defaults__ is not None:
        found.refer(f"{where}.__defaults__", function.__defaults__)
    if function.__kwdefaults__:
        found.refer(f"{where}.__kwdefaults__", function.__kwdefaults__)
    _tell_closure(function, found, where)
    _tell_attributes(function, found, where)
    found.asks = studied.asks
    found.is_changeable = studied.changes
    found.annotated = getattr(function, "__annotations__", None)
    _tell_references(walk, studied, function.__globals__, found)


def describe_library_function(walk: Walk, function: Any, found: Description) -> None:
    """Tell a library's function: its name, and what of the project it may hold."""
    home = _home(function)
    found.say("library function", home, getattr(function.__code__, "co_qualname", function.__code__.co_name))
    module = sys.modules.get(function.__module__ or "")
    if module is not None and not walk.project.owns(function.__module__) and _leads_to(module, function):
        return
    where = f"{function.__module__}.{function.__qualname__}"
    _tell_closure(function, found, where)
    _tell_attributes(function, found, where)
    wrapped = vars(function).get("__wrapped__")
    if wrapped is not None:
        found.refer(where, wrapped)
        if home not in ("functools", "contextlib", "plugbay.pipelines.step"):
            found.refer(f"{where}.__annotations__", dict(getattr(wrapped, "__annotations__", None) or {}))
            found.kept = [child for _, child in found.children]
    if function.__defaults__ is not None and ("<locals>" in function.__code__.co_qualname):
        found.refer(f"{where}.__defaults__", function.__defaults__)


def is_of_project(walk: Walk, function: types.FunctionType) -> bool:
    """Tell whether the code of a function is the user's: where it was compiled decides, not what it calls itself."""
    home = function.__globals__.get("__name__")
    if home is None or home == "builtins":
        return True  # made by exec without a module
    return walk.project.owns(home)


def is_single_dispatch(function: types.FunctionType) -> bool:
    """Tell whether ``functools.singledispatch`` made a function."""
    return function.__globals__.get("__name__") == "functools" and "registry" in vars(function)


def describe_single_dispatch(function: Any, found: Description) -> None:
    """Tell a function that chooses by the class of its argument: by what is registered, not by what it remembers."""
    found.say("single dispatch")
    where = f"{function.__module__}.{function.__qualname__}"
    for kind, implementation in function.registry.items():
        found.refer(f"{where}.registry", kind)
        found.refer(f"{where}.registry[{getattr(kind, '__qualname__', kind)}]", implementation)


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


class Source:
    """A module that code imports when it is called, or looks things up in: its source counts as a whole."""

    def __init__(self, name: str) -> None:
        self.name = name


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
    studied = _Code(code)
    found.asks = studied.asks
    for chain in studied.references:
        if chain[0] == "import":
            _tell_import(walk, chain, {"__package__": package}, found)


def _from_loader(name: str) -> bytes:
    try:
        spec = importlib.util.find_spec(name)
        get_source = getattr(getattr(spec, "loader", None), "get_source", None)
        return (get_source(name) or "").encode() if get_source is not None else b""
    except (ImportError, ValueError):
        return b""


def _home(function: Any) -> str:
    return str(function.__globals__.get("__name__") or "")


def _leads_to(module: types.ModuleType, function: Any) -> bool:
    found: Any = module
    for part in str(function.__qualname__).split("."):
        try:
            found = vars(found).get(part)
        except TypeError:
            return False
    return found is function


def _tell_closure(function: Any, found: Description, where: str) -> None:
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            value = cell.cell_contents
        except ValueError:  # an empty cell: the name is bound later
            continue
        found.say("name", name)
        found.refer(f"{where}.{name}", value)


def _tell_attributes(function: Any, found: Description, where: str) -> None:
    for name, value in sorted(vars(function).items()):
        if name not in _NO_ATTRIBUTES:
            found.say("attribute", name)
            found.refer(f"{where}.{name}", value)


def _tell_references(walk: Walk, studied: _Code, namespace: dict[str, Any], found: Description) -> None:
    module = str(namespace.get("__name__") or "")
    for chain in studied.references:
        first = chain[0]
        if first == "import":
            _tell_import(walk, chain, namespace, found)
        elif first in namespace:
            _tell_global(walk, module, chain, namespace[first], found)
        elif first in _WHOLE_MODULE and module:
            _tell_source(walk, module, found)
    if studied.names & _BY_NAME:
        if "modules" in studied.names and module:
            _tell_source(walk, module, found)
        for text in sorted(studied.texts):
            if text and text.replace(".", "a").isidentifier():
                _tell_source(walk, text, found)


def _tell_global(walk: Walk, module: str, chain: tuple[str, ...], value: Any, found: Description) -> None:
    """Tell what a global name leads to: along ``module.attribute`` as far as it leads through modules of the project."""
    found.say("name", chain[0])
    label = f"{module}.{chain[0]}"
    for attribute in chain[1:]:
        if not isinstance(value, types.ModuleType) or not walk.project.owns(value.__name__):
            break
        inner = vars(value)
        if attribute in inner:
            label, value = f"{value.__name__}.{attribute}", inner[attribute]
            continue
        below = sys.modules.get(f"{value.__name__}.{attribute}")
        if below is None:
            if "__getattr__" in inner:
                found.refer(f"{value.__name__}.__getattr__", inner["__getattr__"])
            break
        label, value = below.__name__, below
    found.refer(label, value)


def _tell_import(walk: Walk, chain: tuple[str, ...], namespace: dict[str, Any], found: Description) -> None:
    for name in chain[1:]:
        _tell_source(walk, _absolute(name, namespace), found)


def _tell_source(walk: Walk, name: str, found: Description) -> None:
    """Take in the source of a module that a function imports when it is called, or looks things up in."""
    if name and (source := walk.source(name)) is not None:
        found.refer(name, source)


def _absolute(name: str, namespace: dict[str, Any]) -> str:
    """The full name of a module that is imported as ``name``, with a dot in front for each level, by this code."""
    if not name.startswith("."):
        return name
    package = namespace.get("__package__") or str(namespace.get("__name__", "")).rpartition(".")[0]
    try:
        return importlib.util.resolve_name(name, package)
    except ImportError:
        return ""


def _without_docstrings(source: bytes) -> Any:
    import ast  # few steps import modules when they are called

    tree = ast.parse(source)
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass(lineno=1, col_offset=0)]
    return tree
