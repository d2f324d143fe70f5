"""Exceptions as text for records, with the user's frames and without those of the machinery."""

from __future__ import annotations

import contextlib
import logging
import traceback
from collections.abc import Callable
from pathlib import Path

import pluggy

import plugbay
import plugbay_hookspecs
from plugbay.errors import StoreError
from plugbay_hookspecs.types import ErrorInfo

_log = logging.getLogger("plugbay")
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
    notes = getattr(error, "__notes__", ())
    if isinstance(error, StoreError):  # a worker process notes where it was, which is no place of the user's
        notes = [note for note in notes if "Traceback (most recent call last)" not in note]
    message = "\n".join([_text(error), *notes])
    return ErrorInfo(type=name, message=message, traceback=user_traceback(error))


def user_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of Plugbay and pluggy."""
    described = traceback.TracebackException.from_exception(error)
    if isinstance(error, StoreError):  # its message says all about the system's error that it comes from
        described.__cause__ = described.__context__ = None
    _leave_out_own(described, set())
    if isinstance(error, StoreError) and all(frame.filename == contextlib.__file__ for frame in described.stack):
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


def call_guarded(function: Callable[..., object], what: str, *arguments: object) -> None:
    """Call what a user or an orchestrator gave; an exception is reported and stops nothing."""
    try:
        function(*arguments)
    except StepCancelled:
        raise
    except Exception as error:  # noqa: BLE001  whatever it raises
        _log.warning("%s raised and was ignored: %s: %s", what, type(error).__name__, error)
        _log.debug("traceback", exc_info=error)
