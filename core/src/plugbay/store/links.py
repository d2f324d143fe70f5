"""Where a symbolic link of a directory leads: whether it stays in the directory, wherever that is put."""

from __future__ import annotations

from collections.abc import Callable

_MOST_FOLLOWED = 40
"""Links that a system follows on one way; a longer way leads nowhere."""


def leads_out(name: str, text: str, link_at: Callable[[str], str | None]) -> bool:
    """Whether the link ``name`` with the target ``text`` leaves its directory anywhere on its way.

    A place that does not exist is taken for a directory, so that what is put there later changes nothing.

    :param name: relative to the directory, with ``/`` between its parts.
    :param link_at: gives the target of the link that is at a relative path; ``None`` where there is no link.
    """
    if text.startswith("/"):
        return True
    here, ahead, followed = name.split("/")[:-1], text.split("/")[::-1], 0
    while ahead:
        part = ahead.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not here:
                return True
            here.pop()
            continue
        here.append(part)
        further = link_at("/".join(here))
        if further is None:
            continue
        followed += 1
        if followed > _MOST_FOLLOWED:
            return False
        if further.startswith("/"):
            return True
        here.pop()
        ahead += further.split("/")[::-1]
    return False
