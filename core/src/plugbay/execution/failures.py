"""Exceptions as text for records, with the user's frames and without those of the machinery."""

from __future__ import annotations

import contextlib
import logging
import os
import traceback
from collections.abc import Callable
from pathlib import Path

import pluggy

import plugbay
import plugbay_hookspecs
from plugbay.errors import StoreError
from plugbay.masking import any_hidden, masked, masked_value
from plugbay_hookspecs.types import ErrorInfo

_log = logging.getLogger("plugbay")
_UNNAMED = ("builtins", "__main__", "__mp_main__")
_OWN = tuple(f"{Path(str(module.__file__)).parent}{os.sep}" for module in (plugbay, plugbay_hookspecs, pluggy))
"""The directories; a plugin's may lie beside them and be called ``plugbay_acme``."""


class StepTimeout(BaseException):
    """An attempt took longer than the step's timeout; no ``Exception``, so that a step does not handle it as its own."""


class StepCancelled(BaseException):
    """Raised in a step that is executed in the driver's own process when the run is cancelled."""


class StepExited(BaseException):
    """A step was about to end the process that drives its run."""


class WorkerLost(Exception):
    """The process that executed an attempt ended without leaving a record."""


def error_info(error: BaseException) -> ErrorInfo:
    """Describe an exception, its notes and its causes; no secret that this process has looked up is in it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ in _UNNAMED else f"{kind.__module__}.{kind.__qualname__}"
    notes = _notes(error)
    if isinstance(error, StoreError):  # a worker process notes where it was, which is no place of the user's
        notes = [note for note in notes if "Traceback (most recent call last)" not in note]
    message = "\n".join([_text(error), *notes])
    return ErrorInfo(type=name, message=masked(message), traceback=masked(user_traceback(error)))


def user_traceback(error: BaseException) -> str:
    """The traceback as Python prints it, without the frames of Plugbay and pluggy."""
    try:
        return _formatted(error)
    except Exception as broken:  # noqa: BLE001  an exception's own attributes may raise anything when they are read
        return f"(the traceback cannot be shown: {type(broken).__name__})\n"


def _formatted(error: BaseException) -> str:
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


class Unshown(Exception):
    """Stands for an exception whose text has a secret that cannot be taken out of it; the text is masked."""


_TEXTS = ("strerror", "filename", "filename2", "msg", "text", "name", "path", "reason")
"""What exceptions of the interpreter keep beside their arguments."""


def without_secrets(error: BaseException) -> BaseException:
    """Mask the texts of an exception, its notes, and those that it comes from or consists of, as somebody will print them.

    :returns: the same exception, changed in place; where that is not enough, one that stands for it.
    """
    if not any_hidden():
        return error
    return _without_secrets(error, {})


def _without_secrets(error: BaseException, done: dict[int, BaseException]) -> BaseException:
    if id(error) in done:
        return done[id(error)]
    done[id(error)] = error
    for name in ("__cause__", "__context__"):
        inner = getattr(error, name)
        if inner is not None:
            suppressed = error.__suppress_context__
            setattr(error, name, _without_secrets(inner, done))
            error.__suppress_context__ = suppressed
    inside = [
        _without_secrets(each, done) for each in getattr(error, "exceptions", ()) if isinstance(each, BaseException)
    ]
    with contextlib.suppress(Exception):
        _mask_in_place(error)
    shown = "\n".join(traceback.format_exception_only(error)) + _form(error)
    same = isinstance(error, BaseExceptionGroup) and all(a is b for a, b in zip(inside, error.exceptions, strict=True))
    if masked(shown) == shown and (same or not inside):
        return error
    if isinstance(error, BaseExceptionGroup):
        stand_in: BaseException = BaseExceptionGroup(masked(error.message), inside)
    else:
        stand_in = Unshown(f"{type(error).__name__}: {masked(_text(error))}")
    for note in _notes(error):
        stand_in.add_note(masked(note))
    stand_in.__context__, stand_in.__cause__ = error.__context__, error.__cause__
    stand_in.__suppress_context__ = error.__suppress_context__
    done[id(error)] = stand_in.with_traceback(error.__traceback__)
    return stand_in


def _mask_in_place(error: BaseException) -> None:
    error.args = masked_value(error.args)
    if hasattr(error, "__notes__"):
        error.__notes__ = masked_value(list(error.__notes__))
    for name in (*_TEXTS, *vars(error)):
        text = getattr(error, name, None)
        if isinstance(text, (str, list, tuple, dict)) and (shown := masked_value(text)) != text:
            with contextlib.suppress(AttributeError, TypeError):
                setattr(error, name, shown)


def _notes(error: BaseException) -> list[str]:
    notes = getattr(error, "__notes__", ())
    return [_text(note) for note in (notes if isinstance(notes, (list, tuple)) else [notes])]  # anybody may set it


def _form(error: BaseException) -> str:
    try:
        return repr(error)
    except Exception:  # noqa: BLE001  a user's __repr__ may raise anything
        return ""


def _text(value: object) -> str:
    if isinstance(value, SystemExit) and not isinstance(value.code, str):
        code = "" if value.code is None else repr(value.code)
        return f"the step called sys.exit({code}); a step ends when it returns"
    try:
        return str(value)
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
