"""What a key of the artifact store may look like."""

from __future__ import annotations

import re

_is_plain = re.compile(r"(?:[\w-][\w.-]*/)*[\w-][\w.-]*", re.ASCII).fullmatch
"""Keys of letters, digits and a few marks: most of them, and nothing more has to be looked at when they are short."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_LONGEST_PART = 255
_LONGEST_KEY = 1024


def check_key(key: str) -> str:
    """Return ``key`` if it is one: parts of at most 255 bytes, joined by ``/``, none of which leads anywhere else.

    Raises ``ValueError`` that says what is wrong with it.
    """
    if len(key) <= _LONGEST_PART and _is_plain(key):
        return key
    if not key or len(key.encode("utf-8", "surrogatepass")) > _LONGEST_KEY:
        msg = f"a key has 1 to {_LONGEST_KEY} bytes, not {key[:80]!r}"
        raise ValueError(msg)
    if _CONTROL.search(key) or not _is_text(key):
        msg = f"the key {key!r} has a control character, a backslash or a lone surrogate"
        raise ValueError(msg)
    for part in key.split("/"):
        if not part or part.startswith("."):
            msg = f"the key {key!r} has an empty part or one that starts with a dot"
            raise ValueError(msg)
        if len(part.encode()) > _LONGEST_PART:
            msg = f"a part of the key {key[:80]!r}... has more than {_LONGEST_PART} bytes"
            raise ValueError(msg)
    return key


def check_prefix(prefix: str) -> str:
    """Return ``prefix`` if it is empty, or a key with a ``/`` behind it. Raises ``ValueError``."""
    if prefix:
        if not prefix.endswith("/"):
            msg = f"the prefix {prefix!r} does not end with '/'"
            raise ValueError(msg)
        check_key(prefix[:-1])
    return prefix


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True
