"""What a module does to libraries while it is imported: seeds, contexts, options and settings that its functions then find.

``random.seed(1)``, ``decimal.getcontext().prec = 50``, ``pd.options.mode.copy_on_write = True``, ``os.environ["TZ"] = "UTC"``,
``@pd.api.extensions.register_series_accessor("own")``: no function refers to such a statement, and yet the results of all of
them may depend on it.
"""

from __future__ import annotations

import ast
import functools
import sys
import types
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from plugbay.code.fingerprint import functions
from plugbay.code.fingerprint.description import ATOMS, Description, Told

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

_WITHOUT_RESULT = frozenset(
    {"builtins", "logging", "warnings", "atexit", "faulthandler", "signal", "typing", "plugbay", "plugbay_hookspecs"}
)
"""Libraries whose settings change no result."""
_OF_IMPORTS = frozenset({"path", "meta_path", "path_hooks", "modules", "exit", "stdout", "stderr"})
"""Attributes of ``sys`` of which the same is true."""
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_REGISTERING = ("register", "custom_op", "impl", "triton_op")
"""How the names of decorators begin by which a library gets to know a function, and then calls it by another name."""
_Statement = tuple[tuple[str, ...], types.CodeType, str]
"""The name a statement acts on with its first attribute, the code, and the name of what a library gets to know by it."""


class Effects(Told):
    """The statements at the top of a module that act on libraries."""

    def __init__(self, statements: list[types.CodeType], known: set[str], namespace: dict[str, Any]) -> None:
        """Hold the code of the statements, the names of what libraries know by them, and the namespace that they ran in."""
        self.statements, self.known, self.namespace = statements, known, namespace

    def tell(self, walk: Walk, found: Description) -> None:
        """Tell the statements, with the plain constants and the functions and classes of the project that they use."""
        module = str(self.namespace.get("__name__") or "")
        for code in self.statements:
            taken = functions.studied(code)
            found.say("effect", taken.digest)
            for first, *_ in taken.references:
                value = self.namespace.get(first)
                if (
                    first in self.known
                    or type(value) in ATOMS
                    or type(value) in _CONTAINERS
                    or functions.is_put_by_project(walk, value)
                ):
                    found.say("name", first)
                    found.refer(f"{module}.{first}", value)


def effects_of(walk: Walk, content: bytes, namespace: dict[str, Any]) -> Effects | None:
    """Find such statements in the source of a module of the project; ``None`` where there are none."""
    acting = [(code, name) for chain, code, name in _statements(content) if _acts_on_library(walk, chain, namespace)]
    return Effects([code for code, _ in acting], {name for _, name in acting if name}, namespace) if acting else None


@functools.lru_cache(maxsize=256)
def _statements(content: bytes) -> tuple[_Statement, ...]:
    try:
        body = ast.parse(content).body
    except SyntaxError:  # edited since it was imported
        return ()
    return tuple(_compiled(body, {each.name: each.body for each in body if isinstance(each, ast.FunctionDef)}))


def _compiled(body: list[ast.stmt], own: dict[str, list[ast.stmt]]) -> Iterator[_Statement]:
    """Compile the statements that may act on a library, also those in functions of the module's ``own`` that are called."""
    for statement in body:
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _registered(statement)
            continue
        for target in _acted_on(statement):
            chain = _chain(target)
            if chain:
                yield chain, _code_of(statement), ""
                yield from _compiled(own.pop(chain[0], []), own)
                break
        for inner in _blocks(statement):
            yield from _compiled(inner, own)


def _registered(definition: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[_Statement]:
    """The decorators by which a library gets to know a function or class."""
    name = ast.copy_location(ast.Name(definition.name, ast.Load()), definition)
    for decorator in definition.decorator_list:
        chain = _chain(decorator)
        if chain and chain[-1].startswith(_REGISTERING):
            known_by = ast.copy_location(ast.Expr(ast.Tuple([decorator, name], ast.Load())), definition)
            yield chain, _code_of(ast.fix_missing_locations(known_by)), definition.name
            if not chain[-1].startswith(_REGISTERING[0]):  # the decorator may not give the function back
                yield chain, _code_of(definition), ""


def _code_of(statement: ast.stmt) -> types.CodeType:
    return compile(ast.Module([statement], []), "", "exec", dont_inherit=True)


def _acted_on(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        return [statement.value.func]
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, (ast.AugAssign, ast.AnnAssign)):
        targets = [statement.target]
    elif isinstance(statement, ast.Delete):
        targets = statement.targets
    else:
        return []
    return [target for target in targets if isinstance(target, (ast.Attribute, ast.Subscript))]


def _blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    if isinstance(statement, ast.If) and any(
        isinstance(part, ast.Name) and part.id == "__name__" for part in ast.walk(statement.test)
    ):
        return
    if isinstance(statement, (ast.If, ast.For, ast.While, ast.With, ast.Try)):
        for name in ("body", "orelse", "finalbody"):
            yield getattr(statement, name, [])
        for handler in getattr(statement, "handlers", []):
            yield handler.body


def _chain(target: ast.expr) -> tuple[str, ...]:
    attributes: list[str] = []
    while True:
        if isinstance(target, ast.Attribute):
            attributes.append(target.attr)
            target = target.value
        elif isinstance(target, ast.Subscript):
            target = target.value
        elif isinstance(target, ast.Call):
            target = target.func
        else:
            break
    return (target.id, *reversed(attributes)) if isinstance(target, ast.Name) else ()


def _acts_on_library(walk: Walk, chain: tuple[str, ...], namespace: dict[str, Any]) -> bool:
    first, *attributes = chain
    if first not in namespace:
        return False
    value = namespace[first]
    if isinstance(value, types.ModuleType):
        home = value.__name__
        if home == "sys" and attributes and attributes[0] in _OF_IMPORTS:
            return False
    else:
        home = _home(value)
    top = home.partition(".")[0]
    return bool(top) and top not in _WITHOUT_RESULT and not walk.project.owns(home)


def _home(value: Any) -> str:
    """The library whose function, class or own object a value is; empty when it is none of these."""
    owner = getattr(value, "__self__", None)  # random.seed is a method of the library's own object
    for candidate in (value, owner):
        if isinstance(candidate, (type, types.FunctionType, types.BuiltinFunctionType)):
            return str(candidate.__module__ or "")
        name = type(candidate).__module__
        for module in (name, name.partition(".")[0]):
            if module in sys.modules and any(each is candidate for each in vars(sys.modules[module]).values()):
                return str(module)
    return ""
