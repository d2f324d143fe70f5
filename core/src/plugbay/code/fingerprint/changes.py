"""What steps change in this process is not the user's change.

A helper that remembers results in a dict of its module, a counter, a client that is made at first use: after the run the same
code reaches another content, and would never be answered from the cache. So what is reached is looked at again when steps
have run: an object that is found later as they left it counts as it was before. Whatever else happened to it counts as it is.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from plugbay.code.fingerprint.description import Description

_MOST = 10_000
_LARGE = 1 << 20


@frozen(eq=False)
class _Change:
    value: Any
    before: Description
    after: Description


class Changes:
    """What steps have changed in this process, by the identity of the object, which is kept alive for that."""

    def __init__(self) -> None:
        """Begin with no change."""
        self._changes: dict[int, _Change] = {}

    def as_before(self, value: Any, found: Description) -> Description:
        """Return what counts for an object: what it was made of before steps left it as it was found."""
        change = self._changes.get(id(value))
        if change is None or change.value is not value or not found.is_same(change.after):
            return found
        return change.before

    def note(self, value: Any, counted: Description, after: Description) -> None:
        """Note that steps have left an object as it is described by ``after``; until then ``counted`` has counted for it."""
        self._changes.pop(id(value), None)
        self._changes[id(value)] = _Change(value, counted, after)
        if len(self._changes) > _MOST:
            del self._changes[next(iter(self._changes))]


CHANGES = Changes()
"""Of this process."""


def is_worth_a_look(value: Any, found: Description) -> bool:
    """Tell whether to look at an object again after a run; not at what is large, and looks the same."""
    kind = type(value)
    if kind is tuple or kind is frozenset or found.size > _LARGE:
        return False
    return kind not in (list, dict, set) or len(value) < _LARGE
