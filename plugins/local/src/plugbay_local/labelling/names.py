"""Which directory a dataset has."""

from urllib.parse import quote

_LONGEST = 240


def directory_name(name: str) -> str:
    """The directory's name: percent-encoded, so that no two datasets share one and none starts with a dot.

    Raises ``ValueError`` for a name that no directory can have.
    """
    try:
        encoded = quote(name, safe=" ")
    except UnicodeEncodeError as error:
        msg = f"not a dataset's name: {name!r} has no UTF-8 form"
        raise ValueError(msg) from error
    if encoded.startswith("."):
        encoded = f"%2E{encoded[1:]}"
    if not encoded or len(encoded) > _LONGEST:
        msg = f"not a dataset's name: {name!r}; written as the name of a directory it has 1 to {_LONGEST} characters"
        raise ValueError(msg)
    return encoded
