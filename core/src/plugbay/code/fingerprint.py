"""A digest of the code that a function can reach: what it would take for the same inputs to give another result.

The bytecode of the function counts, and that of the project's functions, classes and constants it refers to, through any
number of steps. Comments, formatting, docstrings and line numbers do not, nor does code of installed libraries, which a
step declares with ``depends`` where their version matters.
"""

from __future__ import annotations

import dis
import functools
import hashlib
import importlib.util
import os
import re
import sys
import sysconfig
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from plugbay.errors import PlugbayError
from plugbay.values import EncodingError, canonical, encode

_LIBRARIES = tuple(
    str(Path(path).resolve()) + os.sep
    for key, path in sysconfig.get_paths().items()
    if key in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN = frozenset({"plugbay", "plugbay_hookspecs"})
_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF"})
_ATTRIBUTE_LOADS = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_CONSTANT_LOADS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_NOWHERE = (None, "builtins")
"""Where functions say they are defined that were made by ``exec`` without a module."""
_EXTENDED = dis.opmap["EXTENDED_ARG"]
_OF_CONSTANTS = frozenset(dis.hasconst)
_DOCSTRING_FLAG = 0x4000000  # CO_HAS_DOCSTRING, set by Python 3.13 and later


def code_fingerprint(function: Any) -> str:
    """Return the SHA-256, 64 hexadecimal digits, of the code that ``function`` can reach."""
    walk = _Walk()
    walk.root(_unwrapped(function))
    return hashlib.sha256(canonical(walk.found)).hexdigest()


class _Walk:
    """One walk over everything a function refers to; each object but plain constants is visited once."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._seen: dict[int, tuple[int, Any]] = {}  # keeps what was visited alive, so that an id stays its own

    def root(self, function: Any) -> None:
        """Begin: the function itself counts wherever it was made."""
        if isinstance(function, types.FunctionType):
            self._seen[id(function)] = (len(self._seen), function)
            self._function(function)
        else:
            self.visit(function)

    def visit(self, value: Any) -> None:
        value = _unwrapped(value)
        if type(value) in _ATOMS:
            self._constant("constant", value)
            return
        if id(value) in self._seen:
            self.found.append(["again", self._seen[id(value)][0]])
            return
        self._seen[id(value)] = (len(self._seen), value)
        if isinstance(value, types.FunctionType):
            if value.__module__ in _NOWHERE or is_project_module(value.__module__):
                self._function(value)
        elif isinstance(value, types.ModuleType):
            if is_project_module(value.__name__):
                self._module(value.__name__)
        elif isinstance(value, types.MethodType):
            self.visit(value.__func__)
            self.visit(value.__self__)
        elif isinstance(value, (staticmethod, classmethod)):
            self.visit(value.__func__)
        elif isinstance(value, property):
            for part in (value.fget, value.fset, value.fdel):
                self.visit(part)
        elif isinstance(value, functools.partial):
            self.found.append("partial")
            for given in (value.func, value.args, value.keywords):
                self.visit(given)
        elif isinstance(value, functools.cached_property):
            self.visit(value.func)
        elif isinstance(wrapped := getattr(value, "__wrapped__", None), types.FunctionType):
            self.visit(wrapped)  # functools.cache and its like
        elif isinstance(value, type):
            if is_project_module(value.__module__):
                self._class(value)
        elif isinstance(value, re.Pattern):
            self.found.append(["pattern", str(value.pattern), int(value.flags)])
        else:
            self._value(value)

    def _function(self, function: types.FunctionType) -> None:
        self.found.append(["function", _code_tree(function.__code__)])
        self.found.append("defaults")
        self.visit(function.__defaults__)
        self.visit(function.__kwdefaults__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                self._named(name, cell.cell_contents)
            except ValueError:  # an empty cell: the name is bound later
                continue
        self._references(function.__code__, function.__globals__)

    def _references(self, code: types.CodeType, namespace: dict[str, Any]) -> None:
        for chain in _chains(code):
            if chain[0] == "import":
                for name in chain[1:]:
                    self._module(_absolute(name, namespace))
            elif chain[0] in namespace:
                self._named(chain[0], _follow(namespace[chain[0]], chain[1:]))

    def _named(self, name: str, value: Any) -> None:
        """Visit a value under the name the code knows it by: renaming a constant's source is no change, its value is."""
        self.found.append(["name", name])
        self.visit(value)

    def _module(self, name: str) -> None:
        """Take in the source of a module that a function imports when it is called, or looks things up in."""
        if not name or name.partition(".")[0] in sys.stdlib_module_names:
            return
        source = _project_source(name)
        if source is None or name in self._seen_modules:
            return
        self._seen_modules.add(name)
        code = compile(_without_docstrings(source.read_bytes()), "", "exec", dont_inherit=True)
        self.found.append(["module", name, _code_tree(code)])
        package = name if source.name == "__init__.py" else name.rpartition(".")[0]
        self._references(code, {"__package__": package})

    @functools.cached_property
    def _seen_modules(self) -> set[str]:
        return set()

    def _class(self, kind: type) -> None:
        self.found.append(["class", kind.__qualname__])
        for base in kind.__bases__:
            self.visit(base)
        for name, value in sorted(vars(kind).items()):
            if name not in _CLASS_NOISE:
                self._named(name, value)

    def _value(self, value: Any) -> None:
        """Take in a constant; what has no canonical form counts by its class, when the class is the project's."""
        kind = type(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            self.found.append([kind.__qualname__, len(value)])
            for member in sorted(value, key=_order) if isinstance(value, (set, frozenset)) else value:
                self.visit(member)
        elif isinstance(value, dict):
            self.found.append([kind.__qualname__, len(value)])
            for key, member in value.items():
                self.visit(key)
                self.visit(member)
        else:
            self._constant("constant", value)
            self.found.append(_content(value))
            if is_project_module(kind.__module__):
                self.visit(kind)
                if isinstance(getattr(value, "__dict__", None), dict):
                    self.visit(vars(value))

    def _constant(self, label: str, value: Any) -> None:
        try:
            self.found.append([label, encode(value)])
        except EncodingError:
            self.found.append([label, type(value).__qualname__])


_CLASS_NOISE = frozenset(
    {
        "__doc__",
        "__module__",
        "__dict__",
        "__slotnames__",
        "__weakref__",
        "__firstlineno__",
        "__static_attributes__",
        "__annotations__",
    }
    | {"__annotate__", "__annotate_func__", "__annotations_cache__", "__attrs_attrs__", "__dataclass_fields__"}
    | {"__dataclass_params__", "__match_args__", "__slots__", "__attrs_own_setattr__", "__attrs_props__"}
    | {"__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl"}
)


def _order(member: Any) -> bytes:
    """Sorts the members of a set in the same way in every process."""
    try:
        return canonical(encode(member))
    except EncodingError:
        return f"{type(member).__qualname__} {getattr(member, '__module__', '')}.{getattr(member, '__qualname__', '')}".encode()


def _without_docstrings(source: bytes) -> Any:
    import ast  # few steps import modules when they are called

    tree = ast.parse(source)
    for node in ast.walk(tree):
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass(lineno=1, col_offset=0)]
    return tree


def _content(value: Any) -> str | None:
    """The digest of the bytes of an array or another buffer."""
    try:
        with memoryview(value) as view:
            if "O" in view.format or view.nbytes == 0:  # addresses of objects
                return None
            described = canonical([view.format, list(view.shape or ())])
            return hashlib.sha256(described + view.tobytes()).hexdigest()
    except (TypeError, ValueError, BufferError):
        return None


def _unwrapped(value: Any) -> Any:
    """Look through this project's own wrappers, so that a decorator's arguments are not part of the function."""
    return value.__plugbay_function__ if hasattr(type(value), "__plugbay_function__") else value


def _absolute(name: str, namespace: dict[str, Any]) -> str:
    """The full name of a module that is imported as ``name``, with a dot in front for each level, by this code."""
    if not name.startswith("."):
        return name
    package = namespace.get("__package__") or str(namespace.get("__name__", "")).rpartition(".")[0]
    try:
        return importlib.util.resolve_name(name, package)
    except ImportError:
        return ""


def _follow(value: Any, attributes: tuple[str, ...]) -> Any:
    """Go along ``module.attribute`` as far as it leads through project modules; other attributes belong to the value."""
    for attribute in attributes:
        if not isinstance(value, types.ModuleType) or not is_project_module(value.__name__):
            break
        value = getattr(value, attribute, None)
    return value


def _chains(code: types.CodeType) -> Iterator[tuple[str, ...]]:
    """Yield each global name the code loads with the attributes taken of it, and ``("import", module, ...)`` for an import.

    The modules of an import are the one that is named and those that the names taken from it may be.
    """
    chain: list[str] = []
    constants: list[Any] = [None, None]
    for instruction in dis.get_instructions(code):
        if instruction.opname in _ATTRIBUTE_LOADS and chain:
            chain.append(str(instruction.argval))
            continue
        if instruction.opname == "CACHE":
            continue
        if chain:
            yield tuple(chain)
            chain = []
        if instruction.opname in _GLOBAL_LOADS:
            chain = [str(instruction.argval)]
        elif instruction.opname == "IMPORT_NAME":
            name = "." * (constants[-2] or 0) + str(instruction.argval)
            taken = constants[-1] or ()
            below = name if name.endswith(".") or not name else f"{name}."
            yield ("import", name, *(f"{below}{part}" for part in taken if part != "*"))
        elif instruction.opname in _CONSTANT_LOADS:
            constants.append(instruction.argval)
    if chain:
        yield tuple(chain)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _chains(constant)


def _code_tree(code: types.CodeType) -> list[Any]:
    """The code as a JSON tree: what it does, without where it stands and what it says about itself."""
    flags = code.co_flags & ~_DOCSTRING_FLAG
    shape = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags]
    names = [list(code.co_names), list(code.co_varnames), list(code.co_freevars), list(code.co_cellvars)]
    instructions, constants = _instructions(code)
    return [instructions, code.co_exceptiontable.hex(), shape, names, [_constant_tree(c) for c in constants]]


def _instructions(code: types.CodeType) -> tuple[str, list[Any]]:
    """The instructions, and the constants in the order in which they are used.

    Where a constant stands in the table depends on whether there is a docstring, which itself no instruction uses.
    """
    instructions = bytearray()
    constants: list[Any] = []
    argument = 0
    raw = code.co_code
    for operation, low in zip(raw[::2], raw[1::2], strict=True):
        argument = argument << 8 | low
        if operation == _EXTENDED:
            continue
        if operation in _OF_CONSTANTS:
            constants.append(code.co_consts[argument])
            argument = 0
        instructions += b"%c%d;" % (operation, argument)
        argument = 0
    return instructions.hex(), constants


def _constant_tree(constant: Any) -> Any:
    if isinstance(constant, types.CodeType):
        return ["code", _code_tree(constant)]
    if isinstance(constant, (tuple, frozenset)):
        items = [_constant_tree(item) for item in constant]
        return [type(constant).__name__, sorted(items, key=canonical) if isinstance(constant, frozenset) else items]
    if constant is Ellipsis:
        return ["ellipsis"]
    return ["constant", encode(constant)]


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


def _project_source(name: str) -> Path | None:
    """The source file of a project module that need not be imported yet; no installed package is imported for it."""
    top = name.partition(".")[0]
    if top != name and _project_source(top) is None:
        return None
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError, PlugbayError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin).resolve()
    return None if _is_installed(path) or name.partition(".")[0] in _OWN else path
