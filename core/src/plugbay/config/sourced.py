"""A text of the configuration that remembers where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self


class SourcedText(str):
    """A text whose origin matters: it came from an environment variable, or from a stronger layer than its component.

    The text of a variable may stand for a number or a truth value; which one, the setting's type says.
    """

    __slots__ = ("directory", "value", "variable")

    variable: str | None
    """The environment variable it was read from."""
    value: Any
    """What it is where any type is welcome."""
    directory: Path | None
    """A relative file name starts here."""

    def __new__(cls, text: str, variable: str | None = None, value: Any = None, directory: Path | None = None) -> Self:
        """Make the ``text``; without a ``value`` it is itself one."""
        made = super().__new__(cls, text)
        made.variable, made.directory = variable, directory
        made.value = text if value is None else value
        return made


def unsourced(value: Any) -> Any:
    """Return the value with ordinary texts, numbers and truth values in it only."""
    if isinstance(value, SourcedText):
        return value.value
    if isinstance(value, dict):
        return {key: unsourced(item) for key, item in value.items()}
    return [unsourced(item) for item in value] if isinstance(value, list) else value
