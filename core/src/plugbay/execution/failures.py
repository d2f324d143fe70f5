"""Exceptions as text for records, with the user's frames and without those of the machinery."""

from __future__ import annotations

import traceback
from pathlib import Path

import pluggy

import plugbay
import plugbay_hookspecs
from plugbay.errors import StoreError
from plugbay_hookspecs.types import ErrorInfo

_OWN = tuple(str(Path(str(module.__file__)).parent) for module in (plugbay, plugbay_hookspecs, pluggy))


class StepTimeout(Exception):
    """An attempt took longer than the step's timeout."""


class StepCancelled(BaseException):
    """Raised in a step that is executed in the driver's own process when the run is cancelled."""


class WorkerLost(Exception):
    """The process that executed an attempt ended without leaving a record."""


def error_info(error: BaseException) -> ErrorInfo:
    """Describe an exception, its notes and its causes."""
    kind = type(error)
    name = (
        kind.__qualname__ if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}.{kind.__qualname__}"
    )
    message = "\n".join([_text(error), *getattr(error, "__notes__", ())])
    return ErrorInfo(type=name, message=message, traceback=user_traceback(error))


def user_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of Plugbay and pluggy."""
    described = traceback.TracebackException.from_exception(error)
    if isinstance(error, StoreError):  # its message says all about the system's error that it comes from
        described.__cause__ = described.__context__ = None
    _leave_out_own(described, set())
    if isinstance(error, StoreError) and not described.stack:
        return ""
    return "".join(described.format())


def _leave_out_own(described: traceback.TracebackException | None, seen: set[int]) -> None:
    if described is None or id(described) in seen:
        return
    seen.add(id(described))
    described.stack = traceback.StackSummary.from_list(
        [frame for frame in described.stack if not frame.filename.startswith(_OWN)]
    )
    for inner in (described.__cause__, described.__context__, *(described.exceptions or ())):
        _leave_out_own(inner, seen)


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  a user's __str__ may raise anything
        return "(the exception cannot be shown as text)"
