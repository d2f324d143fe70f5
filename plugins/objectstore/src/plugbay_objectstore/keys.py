"""Keys, which must be names of objects and nothing that a client rewrites."""

from __future__ import annotations

TOUCHING = ".plugbay-touching/"
"""Where a copy lies for a moment; nothing behind it is listed."""


def checked(key: str) -> str:
    """Return the key. Raises ``ValueError`` for one that would be read as another."""
    if not all(part not in ("", ".", "..") for part in key.split("/")):
        msg = f"{key!r} is no key: it has an empty part, `.` or `..`"
        raise ValueError(msg)
    if any(ord(letter) < 32 or letter in "\\\x7f" for letter in key) or key.startswith(TOUCHING):
        msg = f"{key!r} is no key: it has a backslash or a control character, or begins with {TOUCHING}"
        raise ValueError(msg)
    return key
