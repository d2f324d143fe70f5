"""What bytecode does and refers to, without where it stands and what it says about itself."""

from __future__ import annotations

import dis
import types
from collections.abc import Iterator
from typing import Any

from plugbay.values import canonical, encode

_GLOBAL_LOADS = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_GLOBALS"})
_ATTRIBUTE_LOADS = frozenset({"LOAD_ATTR", "LOAD_METHOD"})
_CONSTANT_LOADS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
_REBINDING = bytes(dis.opmap[name] for name in ("STORE_GLOBAL", "DELETE_GLOBAL", "STORE_ATTR", "DELETE_ATTR"))
_EXTENDED = dis.opmap["EXTENDED_ARG"]
_OF_CONSTANTS = frozenset(dis.hasconst)
_DOCSTRING_FLAG = 0x4000000  # CO_HAS_DOCSTRING, set by Python 3.13 and later


def references(code: types.CodeType) -> Iterator[tuple[str, ...]]:
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
            yield from references(constant)


def changes_names(code: types.CodeType) -> bool:
    """Tell whether the code may give another value to a global name or an attribute."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return not set(_REBINDING).isdisjoint(code.co_code[::2]) or any(map(changes_names, inner))


def code_tree(code: types.CodeType) -> list[Any]:
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
        return ["code", code_tree(constant)]
    if isinstance(constant, (tuple, frozenset)):
        items = [_constant_tree(item) for item in constant]
        return [type(constant).__name__, sorted(items, key=canonical) if isinstance(constant, frozenset) else items]
    if constant is Ellipsis:
        return ["ellipsis"]
    return ["constant", encode(constant)]
