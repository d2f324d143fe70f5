"""Something of a process that a step may change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen


@frozen(eq=False)
class Thing:
    """Something of the process, or of the thread, that a step may change for the next one."""

    name: str
    """As a person calls it."""
    put_back: Callable[[Any], object]
    """Make it again what was read before; an exception when that is impossible."""


@frozen(eq=False)
class Things:
    """Several that are read together, because each step does so twice."""

    read: Callable[[], tuple[Any, ...]]
    """What they are now, in the order of ``things``, as values that can be compared with later ones."""
    things: tuple[Thing, ...]
