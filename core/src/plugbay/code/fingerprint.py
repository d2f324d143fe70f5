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
    str(Path(path).resolve())
    for key, path in sysconfig.get_paths().items()
    if key in ("stdlib", "platstdlib", "purelib", "platlib")
)
_OWN = frozenset({"plugbay", "plugbay_hookspecs"})
_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF"})
_ATTRIBUTE_LOADS = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_DOCSTRING_FLAG = 0x4000000  # CO_HAS_DOCSTRING, set by Python 3.13 and later


def code_fingerprint(function: Any) -> str:
    """Return the SHA-256, 64 hexadecimal digits, of the code that ``function`` can reach."""
    walk = _Walk()
    walk.visit(function)
    return hashlib.sha256(canonical(walk.found)).hexdigest()


class _Walk:
    """One walk over everything a function refers to; each object is visited once."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._seen: dict[int, Any] = {}  # keeps what was visited alive, so that an id stays its own

    def visit(self, value: Any) -> None:
        value = _unwrapped(value)
        if id(value) in self._seen:
            return
        self._seen[id(value)] = value
        if isinstance(value, types.FunctionType):
            if is_project_module(value.__module__):
                self._function(value)
        elif isinstance(value, types.MethodType) or isinstance(value, (staticmethod, classmethod)):
            self.visit(value.__func__)
        elif isinstance(value, property):
            for part in (value.fget, value.fset, value.fdel):
                self.visit(part)
        elif isinstance(value, functools.partial):
            self.visit(value.func)
            self._constant("partial", [list(value.args), dict(value.keywords)])
        elif isinstance(value, type):
            if is_project_module(value.__module__):
                self._class(value)
        elif isinstance(value, re.Pattern):
            self.found.append(["pattern", str(value.pattern), int(value.flags)])
        else:
            self._value(value)

    def _function(self, function: types.FunctionType) -> None:
        self.found.append(["function", _code_tree(function.__code__)])
        defaults = [list(function.__defaults__ or ()), dict(function.__kwdefaults__ or {})]
        self._constant("defaults", defaults)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                self._named(name, cell.cell_contents)
            except ValueError:  # an empty cell: the name is bound later
                continue
        self._references(function.__code__, function.__globals__)

    def _references(self, code: types.CodeType, namespace: dict[str, Any]) -> None:
        for chain in _chains(code):
            if chain[0] == "import":
                self._import(chain[1], namespace)
            elif chain[0] in namespace:
                self._named(chain[0], _follow(namespace[chain[0]], chain[1:]))

    def _named(self, name: str, value: Any) -> None:
        """Visit a value under the name the code knows it by: renaming a constant's source is no change, its value is."""
        self.found.append(["name", name])
        self.visit(value)

    def _import(self, name: str, namespace: dict[str, Any]) -> None:
        """Take in a module that a function imports when it is called."""
        if name.startswith("."):
            package = namespace.get("__package__") or ""
            name = importlib.util.resolve_name(name, package) if package else name.lstrip(".")
        if name.partition(".")[0] in sys.stdlib_module_names:
            return
        source = _project_source(name)
        if source is None or name in self._seen_modules:
            return
        self._seen_modules.add(name)
        code = compile(source.read_bytes(), "", "exec", dont_inherit=True)
        self.found.append(["module", name, _code_tree(code)])
        self._references(code, {"__package__": name if source.name == "__init__.py" else name.rpartition(".")[0]})

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
        if value is None or isinstance(value, types.ModuleType):
            return
        kind = type(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            self.found.append(kind.__name__)
            members = list(value)
            if isinstance(value, (set, frozenset)):
                self._constant("members", value)
            for member in members:
                self.visit(member)
        elif isinstance(value, dict):
            for key, member in value.items():
                self._constant("key", key)
                self.visit(member)
        else:
            self._constant("constant", value)
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
    {"__doc__", "__module__", "__dict__", "__weakref__", "__firstlineno__", "__static_attributes__", "__annotations__"}
    | {"__annotate__", "__annotate_func__", "__annotations_cache__", "__attrs_attrs__", "__dataclass_fields__"}
    | {"__dataclass_params__", "__match_args__", "__slots__", "__attrs_own_setattr__", "__attrs_props__"}
    | {"__parameters__", "__orig_bases__", "__abstractmethods__", "_abc_impl"}
)


def _unwrapped(value: Any) -> Any:
    """Look through this project's own wrappers, so that a decorator's arguments are not part of the function."""
    return getattr(value, "__plugbay_function__", value)


def _follow(value: Any, attributes: tuple[str, ...]) -> Any:
    """Go along ``module.attribute`` as far as it leads through project modules; other attributes belong to the value."""
    for attribute in attributes:
        if not isinstance(value, types.ModuleType) or not is_project_module(value.__name__):
            break
        value = getattr(value, attribute, None)
    return value


def _chains(code: types.CodeType) -> Iterator[tuple[str, ...]]:
    """Yield each global name the code loads with the attributes taken of it, and ``("import", module)`` for an import."""
    chain: list[str] = []
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
            yield ("import", str(instruction.argval))
    if chain:
        yield tuple(chain)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _chains(constant)


def _code_tree(code: types.CodeType) -> list[Any]:
    """The code as a JSON tree: what it does, without where it stands and what it says about itself."""
    constants = list(code.co_consts)
    if constants and isinstance(constants[0], str) and _has_docstring(code):
        constants[0] = None
    flags = code.co_flags & ~_DOCSTRING_FLAG
    shape = [code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, flags]
    names = [list(code.co_names), list(code.co_varnames), list(code.co_freevars), list(code.co_cellvars)]
    return [code.co_code.hex(), code.co_exceptiontable.hex(), shape, names, [_constant_tree(c) for c in constants]]


def _has_docstring(code: types.CodeType) -> bool:
    """Before 3.13 a docstring is told by its place: the first constant of a function, when the body loads it nowhere."""
    if sys.version_info >= (3, 13):
        return bool(code.co_flags & _DOCSTRING_FLAG)
    return code.co_flags & 0x2 != 0 and not any(
        i.opname == "LOAD_CONST" and i.arg == 0 for i in dis.get_instructions(code)
    )


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
    if name is None or name.partition(".")[0] in _OWN or name.partition(".")[0] in sys.stdlib_module_names:
        return name in ("__main__", "__mp_main__")
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None:
        return name in sys.modules and not hasattr(sys.modules[name], "__path__")
    return not str(Path(file).resolve()).startswith(_LIBRARIES)


def _project_source(name: str) -> Path | None:
    """The source file of a project module that need not be imported yet."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError, PlugbayError):
        return None
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        return None
    path = Path(spec.origin).resolve()
    return None if str(path).startswith(_LIBRARIES) or name.partition(".")[0] in _OWN else path
