"""Documents that are almost right: real ones with a few bytes, or a few values, changed."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

NASTY: tuple[Any, ...] = (
    None,
    True,
    -1,
    0.5,
    2**63,
    10**400,
    float("inf"),
    float("nan"),
    1e300,
    "",
    "x",
    "\0",
    "\ud800",
    "..",
    "../../../../etc/passwd",
    "/" + "x" * 5000,
    "succeeded",
    "é" * 300,
    [],
    [[]],
    {},
    {"": None},
    {"$int": "zz"},
    {"$object": "os:system", "fields": {}},
    {"literal": 1, "output": 2},
    ["a", "b"],
)


def changed_bytes(content: bytes, chance: Random) -> bytes:
    """Cut, double, overwrite or insert a few bytes."""
    mutated = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at, length = chance.randrange(len(mutated) + 1), chance.randint(1, 12)
        piece = chance.choice((chance.randbytes(length), bytes(mutated[at : at + length]), b'"', b"[[", b"1e999", b"{"))
        if chance.random() < 0.5:
            mutated[at : at + length] = piece
        else:
            mutated[at:at] = piece
        if chance.random() < 0.1:
            del mutated[at:]
    return bytes(mutated)


def changed_values(content: bytes, chance: Random) -> bytes:
    """Put values of the wrong type, size or meaning into a JSON document; drop or add keys."""
    tree = json.loads(content)
    for _ in range(chance.randint(1, 3)):
        places = list(_places(tree))
        if not places:
            break
        holder, key = chance.choice(places)
        how = chance.random()
        if how < 0.7:
            holder[key] = copy.deepcopy(chance.choice(NASTY))
        elif how < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            holder[chance.choice(("schema", "future", "", "$x"))] = copy.deepcopy(chance.choice(NASTY))
    return json.dumps(tree).encode()


def _places(tree: Any) -> Any:
    pairs = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in list(pairs):
        yield tree, key
        yield from _places(value)
