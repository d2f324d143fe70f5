"""What a value leads to beside itself: the files whose paths it holds, and the classes and functions it is made of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Protocol

from attrs import define, field

_CODE = frozenset({"$object", "$enum", "$flag", "$namedtuple"})
_ATOMS = frozenset({str, int, float, bool, type(None)})
_in_json = re.compile(rb'"\$(path|object|enum|flag|namedtuple)":("(?:[^"\\]|\\.)*")').finditer
"""A quotation mark within a text has a backslash before it, and no key of a dict that is written as such begins with ``$``."""


class Owner(Protocol):
    """Tells what is the user's own code."""

    def owns(self, name: str | None) -> bool:
        """Tell whether a module is the user's own code."""


@define
class Mentions:
    """The paths and the references to code in a value, in the order they were met."""

    paths: dict[str, None] = field(factory=dict)
    code: dict[str, None] = field(factory=dict)
    """As ``module:qualified.name``."""

    def add_tree(self, tree: Any, owner: Owner) -> None:
        """Take in a value in its canonical JSON form, and of the code in it what ``owner`` owns."""
        for tag, text in _in_tree(tree):
            if tag == "$path":
                self.paths[text] = None
            elif owner.owns(text.partition(":")[0]):
                self.code[text] = None

    def add_json(self, content: bytes) -> None:
        """Take in a value in the bytes of its canonical JSON form, as they are without spaces."""
        for match in _in_json(content):
            tag, text = match.groups()
            (self.paths if tag == b"path" else self.code)[_text(text)] = None


def _text(written: bytes) -> str:
    return str(json.loads(written.decode("utf-8", "surrogatepass")))


def _in_tree(tree: Any) -> Iterator[tuple[str, str]]:
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        kind = type(part)
        if kind is dict:
            tag = next(iter(part), "")
            if tag == "$path" or tag in _CODE:
                yield tag, part[tag]
            waiting.extend(part.values())
        elif kind is list:
            waiting.extend(item for item in part if type(item) not in _ATOMS)
