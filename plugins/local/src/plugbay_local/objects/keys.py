"""Which keys an object may have."""

import re

# A part that starts with a dot would be ``.``, ``..`` or the store's own; lone surrogates have no UTF-8 form.
_PART = r"[^./\\\x00-\x1f\x7f-\x9f\ud800-\udfff][^/\\\x00-\x1f\x7f-\x9f\ud800-\udfff]*"
_is_key = re.compile(rf"{_PART}(?:/{_PART})*").fullmatch
_is_part = re.compile(_PART).fullmatch


def parts_of(key: str) -> list[str]:
    """Split a key into its parts; raise ``ValueError`` for what could lead out of the store or be mistaken in it."""
    if _is_key(key) is None:
        msg = (
            f"not an object's key: {key!r}; its parts, divided by '/', are not empty, do not start with '.' and "
            "hold no backslash and no control character"
        )
        raise ValueError(msg)
    return key.split("/")


def parts_of_prefix(prefix: str) -> list[str]:
    """Split a prefix, empty or ending with ``/``, into its parts; raise ``ValueError`` as :func:`parts_of` does."""
    if not prefix:
        return []
    if not prefix.endswith("/"):
        msg = f"not a prefix of keys: {prefix!r}; it is empty or ends with '/'"
        raise ValueError(msg)
    return parts_of(prefix[:-1])


def is_part(name: str) -> bool:
    """Tell whether a file's name can be a part of a key."""
    return _is_part(name) is not None
