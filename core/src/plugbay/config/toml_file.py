"""TOML files that a person wrote, with whatever editor."""

from __future__ import annotations

import codecs
import tomllib
from pathlib import Path
from typing import Any

_OTHER_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",  # before UTF-16: its mark begins with that of UTF-16
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


class UnreadableTomlError(ValueError):
    """What is in the file is no TOML; the text says why, and follows the name of the file."""


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file, with or without a byte order mark.

    Raises ``OSError`` when it cannot be read, and :class:`UnreadableTomlError` when it is no TOML.
    """
    content = path.read_bytes()
    for mark, encoding in _OTHER_MARKS.items():
        if content.startswith(mark):
            msg = f"is not valid TOML: it is {encoding} text; save it as UTF-8"
            raise UnreadableTomlError(msg)
    content = content.removeprefix(codecs.BOM_UTF8)
    if b"\0" in content[:4]:
        msg = "is not valid TOML: it has zero bytes, as UTF-16 text without a byte order mark has; save it as UTF-8"
        raise UnreadableTomlError(msg)
    try:
        return tomllib.loads(content.decode())
    except UnicodeDecodeError as error:
        msg = f"is not valid TOML: it is not UTF-8 text ({error.reason} at byte {error.start})"
        raise UnreadableTomlError(msg) from error
    except ValueError as error:  # TOMLDecodeError is one, and so is what an integer of too many digits raises
        msg = f"is not valid TOML: {error}"
        if "observers" in str(error):  # a list of them, and the table of one
            msg += "; where one has settings, each has a table, and there is no list: [observers.NAME]"
        raise UnreadableTomlError(msg) from error
    except RecursionError as error:
        msg = "is nested too deeply"
        raise UnreadableTomlError(msg) from error
