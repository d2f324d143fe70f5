"""Names of any kind as parts of keys, as they are where they can be: no two names have the same part."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import unquote

_LONGEST = 200
_unsafe = re.compile(r"^\.|[/\\%\x00-\x1f\x7f-\x9f]")
_unsafe_or_lone = re.compile(rf"{_unsafe.pattern}|[\ud800-\udfff]")


def part_of(name: str) -> str:
    """A name as a part of a key: what a part cannot have is percent-encoded. Raises ``ValueError`` for no text."""
    if not name:
        msg = "a name is empty"
        raise ValueError(msg)
    name.encode()  # a lone surrogate is no text
    return _unsafe.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


def name_of(part: str) -> str:
    """The name that :func:`part_of` was given."""
    return unquote(part)


def short_part_of(name: str) -> str:
    """A name as a part of a key that leaves room for more; the name cannot be had back where it is long."""
    safe = _unsafe_or_lone.sub(lambda found: f"%{ord(found[0]):02X}", name)
    if len(safe.encode()) <= _LONGEST:
        return safe
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()
    return f"{safe.encode()[: _LONGEST - len(digest) - 1].decode(errors='ignore')}%{digest}"
