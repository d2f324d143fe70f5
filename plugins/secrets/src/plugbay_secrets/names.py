"""What can be kept as a secret."""

from collections.abc import Mapping


def divide(name: str) -> tuple[str, str]:
    """The secret's name and the key of ``secret.key``; without a dot the key is ``value``."""
    secret, dot, key = name.partition(".")
    return secret, key if dot else "value"


def check(name: str, values: Mapping[str, str]) -> None:
    """Raise ``ValueError`` for a secret that nobody could ask for; no text is part of it."""
    if not is_plain(name) or "." in name:
        msg = f"a secret cannot be named {name!r}: the name is empty, or has a dot or a character that is not printed"
        raise ValueError(msg)
    if not values:
        msg = f"the secret {name!r} needs at least one text; a lone one has the key 'value'"
        raise ValueError(msg)
    for key in values:
        if not is_plain(key):
            msg = f"the secret {name!r} cannot have the key {key!r}: it is empty or has a character that is not printed"
            raise ValueError(msg)


def is_plain(name: str) -> bool:
    """Tell whether a name is not empty and can be printed."""
    return bool(name) and name.isprintable()
