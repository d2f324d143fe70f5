"""The pluggy markers of the project, and the mark of a hook that a flavor cannot do without."""

from collections.abc import Callable
from typing import Any, TypeVar

import pluggy

PROJECT = "plugbay"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

_REQUIRED = "plugbay_required"

Hook = TypeVar("Hook", bound=Callable[..., Any])


def required(specification: Hook) -> Hook:
    """Mark a hook that every flavor of its component type must implement."""
    setattr(specification, _REQUIRED, True)
    return specification


def is_required(specification: object) -> bool:
    """Tell whether ``specification`` was marked with :func:`required`."""
    return getattr(specification, _REQUIRED, False) is True
