"""Functions: what code does, and the names it refers to."""

from __future__ import annotations

import builtins
import functools
import hashlib
import importlib.util
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from plugbay.code.bytecode import changes_names, code_tree, references
from plugbay.code.fingerprint.description import Description
from plugbay.values import canonical

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_READERS = {
    "annotations": frozenset(
        {"__annotations__", "get_type_hints", "get_annotations", "signature", "getfullargspec", "__signature__"}
    ),
    "subclasses": frozenset({"__subclasses__"}),
    "docstrings": frozenset({"__doc__", "getdoc", "__slots__"}),
    "names": frozenset({"__name__", "__qualname__"}),
    "sources": frozenset({"getsource", "getsourcelines", "co_firstlineno", "f_lineno"}),
}
"""What code reads that counts for nothing else, by the names that it then uses."""
_PLAIN = frozenset({int, float, complex, str, bytes})
_OPTIMIZED = 0x1  # CO_OPTIMIZED, of functions and not of the bodies of modules and classes
_LARGEST_TABLE = 1000
_WHOLE_MODULE = frozenset({"globals", "eval", "exec"})
_BY_NAME = frozenset({"import_module", "__import__", "modules", "run_module", "resolve_name"})
_OF_ATTRS = "<attrs generated"
"""Methods that attrs makes from the attributes of a class, which count; the hash has a number in it that changes."""
_NO_ATTRIBUTES = frozenset({"__wrapped__", "__doc__", "__name__", "__qualname__", "__module__"})


class Studied:
    """What does not depend on where code is: its digest and the names it uses."""

    __slots__ = ("asks", "changes", "digest", "names", "references", "texts")

    def __init__(self, code: types.CodeType) -> None:
        self.digest = hashlib.sha256(canonical(code_tree(code))).hexdigest()
        self.references = tuple(dict.fromkeys(references(code)))
        self.changes = changes_names(code)
        self.names: set[str] = set()
        self.texts: set[str] = set()
        collect(code, self.names, self.texts)
        mentioned = self.names | self.texts
        self.asks = frozenset(asked for asked, readers in _READERS.items() if mentioned & readers)


@functools.lru_cache(maxsize=4096)
def studied(code: types.CodeType) -> Studied:
    """Study code, once."""
    return Studied(code)


def collect(code: types.CodeType, names: set[str], texts: set[str], *, only_when_imported: bool = False) -> None:
    """Collect the names and the texts in code; those of its functions are in it unless it has only been imported."""
    names.update(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            if not (only_when_imported and constant.co_flags & _OPTIMIZED):
                collect(constant, names, texts, only_when_imported=only_when_imported)
        elif isinstance(constant, str):
            texts.add(constant)


def describe_function(walk: Walk, function: Any, found: Description) -> None:
    """Tell a function of the project: its code, its defaults, what it closes over, its attributes, and what it refers to."""
    if function.__code__.co_filename.startswith(_OF_ATTRS):
        found.say("of attrs", function.__name__)
        return
    code = studied(function.__code__)
    found.say("function", code.digest)
    where = f"{_home(function)}.{function.__qualname__}"
    if function.__defaults__ is not None:
        found.refer(f"{where}.__defaults__", function.__defaults__)
    if function.__kwdefaults__:
        found.refer(f"{where}.__kwdefaults__", function.__kwdefaults__)
    _tell_closure(function, found, where)
    _tell_attributes(function, found, where)
    found.asks = code.asks
    found.is_changeable = code.changes
    found.annotated = getattr(function, "__annotations__", None)
    _tell_references(walk, code, function.__globals__, found)
    effects = walk.effects(_home(function), function.__globals__)
    if effects is not None:
        found.refer(_home(function), effects)


def describe_library_function(walk: Walk, function: Any, found: Description) -> None:
    """Tell a library's function: its name, and what of the project it may hold."""
    home = _home(function)
    found.say("library function", home, getattr(function.__code__, "co_qualname", function.__code__.co_name))
    module = sys.modules.get(function.__module__ or "")
    if module is not None and not walk.project.owns(function.__module__) and _leads_to(module, function):
        return
    if walk.digested(function, found):
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


def text_of(walk: Walk, value: Any, asked: str) -> str:
    """What a function or class of the project says about itself: its docstring, its name or its source."""
    if asked == "docstrings" and type(value) is property:
        return str(value.__doc__ or "")
    if not is_put_by_project(walk, value):
        return ""
    if asked == "docstrings":
        texts = vars(value).get("__slots__")
        return str(value.__doc__ or "") + (repr(texts) if type(texts) is dict else "")
    if asked == "names":
        return str(value.__qualname__)
    import inspect  # few steps read their source

    try:
        return inspect.getsource(value)
    except (OSError, TypeError):
        return ""


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


def _tell_references(walk: Walk, code: Studied, namespace: dict[str, Any], found: Description) -> None:
    module = str(namespace.get("__name__") or "")
    for chain in code.references:
        first = chain[0]
        if first == "import":
            tell_import(walk, chain, namespace, found)
        elif first in namespace:
            _tell_global(walk, module, chain, namespace[first], found)
        elif first in _WHOLE_MODULE and module:
            _tell_source(walk, module, found)
        elif not first.startswith("__"):
            _tell_builtin_name(walk, first, found)
    if code.names & _BY_NAME:
        if "modules" in code.names and module:
            _tell_source(walk, module, found)
        texts = set(code.texts)
        for chain in code.references:
            texts.update(_texts_in(namespace.get(chain[0])))
        _tell_named_modules(walk, sorted(texts), namespace, found)


def _texts_in(value: Any) -> Iterator[str]:
    """The texts in a plain constant that may be names of modules."""
    if type(value) is str:
        yield value
    elif type(value) in (list, tuple, set, frozenset) and len(value) < _LARGEST_TABLE:
        for member in value:
            yield from _texts_in(member)
    elif type(value) is dict and len(value) < _LARGEST_TABLE:
        for member in (*value, *value.values()):
            yield from _texts_in(member)


def _tell_named_modules(walk: Walk, texts: list[str], namespace: dict[str, Any], found: Description) -> None:
    """Tell the modules that code imports by their names, ``package.module:attribute``; by the beginning of one all that may follow."""
    for text in texts:
        name = text.partition(":")[0]
        if not name.strip(".").replace(".", "a").isidentifier():
            continue
        name = _absolute(name, namespace)
        _tell_source(walk, name.rstrip("."), found)
        package = walk.project.source(name[:-1]) if name.endswith(".") else None
        if package is not None and package.name == "__init__.py":
            for file in sorted(package.parent.glob("*.py")):
                _tell_source(walk, name + file.stem, found)


def _tell_builtin_name(walk: Walk, name: str, found: Description) -> None:
    """Tell a name that the project has added to the builtins, or put in place of one of them."""
    value = vars(builtins).get(name)
    if type(value) in _PLAIN or is_put_by_project(walk, value):
        found.say("builtin", name)
        found.refer(f"builtins.{name}", value)


def is_put_by_project(walk: Walk, value: Any) -> bool:
    """Tell whether a value that stands in a library's module is a function or class of the project."""
    if type(value) is types.FunctionType:
        return is_of_project(walk, value)
    return isinstance(value, type) and walk.project.owns(value.__module__)


def _tell_global(walk: Walk, module: str, chain: tuple[str, ...], value: Any, found: Description) -> None:
    """Tell what a global name leads to: along ``module.attribute`` as far as it leads through modules of the project."""
    found.say("name", chain[0])
    label = f"{module}.{chain[0]}"
    for attribute in chain[1:]:
        if not isinstance(value, types.ModuleType):
            break
        inner = vars(value)
        if not walk.project.owns(value.__name__):
            if is_put_by_project(walk, inner.get(attribute)):
                found.refer(f"{value.__name__}.{attribute}", inner[attribute])
            break
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


def tell_import(walk: Walk, chain: tuple[str, ...], namespace: dict[str, Any], found: Description) -> None:
    """Tell the modules that an import may take in."""
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
