"""What one object is made of, apart from the objects that it refers to."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from attrs import frozen

from plugbay.values import canonical, encode

if TYPE_CHECKING:
    from plugbay.code.fingerprint.walk import Walk

ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes, type(Ellipsis), type(NotImplemented)})
_SINGLE = {type(Ellipsis): "ellipsis", type(NotImplemented): "not implemented"}


@frozen
class Unknown:
    """An object that a step reaches and that cannot be told apart from others of its type by content."""

    name: str
    """The way to it, from the module on: ``flow.CLIENT.session``."""
    type: str
    """``module.qualname`` of its type."""
    reason: str = ""
    """Why, where more is known."""

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.name} ({self.type}{reason})"


class Description:
    """What is known of one object: tokens, and references to other objects in between."""

    __slots__ = (
        "annotated",
        "asks",
        "children",
        "inner",
        "is_changeable",
        "kept",
        "parts",
        "reason",
        "size",
        "unknown",
    )

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.children: list[tuple[str, Any]] = []
        """The objects it refers to, with how the way goes on to them: ``.attribute``, ``[key]``, or a whole name."""
        self.inner: list[int] = []
        """The ids of the lists, dicts and sets in a plain constant, which counts as a whole."""
        self.unknown: str | None = None
        """The type of an object that cannot be told apart by content."""
        self.reason = ""
        self.asks: frozenset[str] = frozenset()
        """What its code asks of others at run time: ``annotations``, ``subclasses``, ``docstrings``, ``names``, ``sources``."""
        self.annotated: Any = None
        """The annotations of a function, which count when code asks for annotations."""
        self.is_changeable = True
        """Whether code may change the object; a function that is known to rebind no global name does not."""
        self.size = 0
        """Bytes that were read for it, where these are many."""
        self.kept: Any = None
        """Keeps alive what was made for the description, so that its ids stay its own."""

    def say(self, *tokens: Any) -> None:
        """Add JSON values."""
        self.parts.append(list(tokens))

    def refer(self, label: str, value: Any) -> None:
        """Add an object: a plain constant by its content, any other by reference."""
        kind = type(value)
        if kind in ATOMS:
            self.parts.append(["=", atom(value)])
        else:
            self.parts.append(["#"])
            self.children.append((label, value))

    def refuse(self, value: Any, reason: str = "") -> None:
        """Say that the object cannot be told apart by content."""
        self.unknown, self.reason = type_name(type(value)), reason
        self.parts, self.children = [["unknown", self.unknown]], []

    def local(self) -> bytes:
        """A digest of all but the objects referred to."""
        return hashlib.sha256(canonical(self.parts)).digest()

    def is_same(self, other: Description) -> bool:
        """Tell whether the object is made of the same as another one, or another time."""
        return (
            len(self.children) == len(other.children)
            and all(mine[1] is theirs[1] for mine, theirs in zip(self.children, other.children, strict=True))
            and self.local() == other.local()
        )


class Told:
    """An object of the walk's own that stands for code, and tells itself."""

    def tell(self, walk: Walk, found: Description) -> None:
        """Tell what it is made of."""
        raise NotImplementedError


def atom(value: Any) -> Any:
    """The JSON tree of a plain constant."""
    single = _SINGLE.get(type(value))
    return {"$single": single} if single is not None else encode(value)


def type_name(kind: type) -> str:
    """``module.qualname``."""
    return f"{kind.__module__}.{kind.__qualname__}"
