"""Errors and warnings as a person reads them on stderr, and the exit code each ends with."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import plugbay
from plugbay.cli.terminal import stderr_style
from plugbay.errors import PlanError, PlugbayError, TargetError
from plugbay.masking import any_hidden, masked

USAGE = 2
INTERNAL = 70
_PLUGIN_NOTES = ("in hook ", "in the command ")
"""How the notes begin that tell which plugin an exception comes from."""


def report(error: Exception, *, verbose: bool) -> int:
    """Print an error and return the exit code.

    The frames of Plugbay are shown when ``verbose``; those of the user's code always, where there are any.
    """
    if any_hidden():
        from plugbay.execution.failures import without_secrets

        error = cast(Exception, without_secrets(error))
    sys.stdout.flush()
    if verbose:
        sys.stderr.write("".join(traceback.format_exception(error)))
    known = _known(error)
    if known:
        for one in known:
            print_error(str(one))
            if not verbose:
                _print_origin(one)
        return max(one.exit_code for one in known)
    origin = [note for note in getattr(error, "__notes__", ()) if note.startswith(_PLUGIN_NOTES)]
    if origin:
        print_error(f"{_kind(error)}: {error} ({'; '.join(origin)})")
        _hint(verbose=verbose)
        return USAGE
    print_error(f"internal error: {_kind(error)}: {error}")
    _hint(verbose=verbose)
    return INTERNAL


def print_error(text: str) -> None:
    """Print a text on stderr as an error; one problem a line."""
    _print(stderr_style().red("error:"), "error: ", text)


def print_warning(text: str) -> None:
    """Print a text on stderr as a warning."""
    _print(stderr_style().yellow("warning:"), "warning: ", text)


def _print(word: str, plain: str, text: str) -> None:
    """Print a text behind a word, its further lines aligned with the first."""
    lines = f"\n{' ' * len(plain)}".join(_safe(masked(text)).splitlines())
    sys.stderr.write(f"{word} {lines}\n")


def user_frames(error: BaseException) -> str:
    """The exception as Python prints it, without the machinery's frames; empty when it passed no code of the user's."""
    from plugbay.execution.failures import user_traceback

    if not any(is_users(file) for file in _files(error)):
        return ""
    kept, skipping = [], False
    for line in user_traceback(error).splitlines():
        if line.startswith("  File "):
            skipping = "<frozen " in line or "/importlib/__init__.py" in line
        elif not line.startswith("    "):
            skipping = False
        if not skipping:
            kept.append(line)
    return "\n".join(kept)


def is_users(file: str) -> bool:
    """Whether a file belongs to the user: to no installed distribution, and not to Python or Plugbay."""
    not_theirs = (str(plugbay.__path__[0]), str(Path(traceback.__file__).parent), "<")
    return not file.startswith(not_theirs) and "site-packages" not in file


def _files(error: BaseException) -> Iterator[str]:
    """The files of the frames that an exception passed; of a syntax error, also the one that has it."""
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield frame.f_code.co_filename
    if isinstance(error, SyntaxError) and error.filename:
        yield error.filename


@contextmanager
def log_messages(*, verbose: bool) -> Iterator[None]:
    """Show what Plugbay logs on stderr while in the body: warnings, or everything when ``verbose``."""
    logger = logging.getLogger("plugbay")
    handler, level, propagate = _Messages(), logger.level, logger.propagate
    handler.setLevel(logging.DEBUG if verbose else logging.WARNING)
    logger.addHandler(handler)
    logger.setLevel(handler.level)
    logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


class _Messages(logging.Handler):
    """Writes to whatever stderr is at the time: an observer may have put something in front of it."""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            text += "\n" + masked("".join(traceback.format_exception(record.exc_info[1])))
        if record.levelno >= logging.WARNING:
            print_warning(text)
        else:
            sys.stderr.write(f"{stderr_style().dim(f'{record.levelname.lower()}: {text}')}\n")


def _known(error: Exception) -> list[PlugbayError]:
    """The error, or all in a group, if they are ones that Plugbay raises on purpose."""
    if isinstance(error, PlugbayError):
        return [error]
    if isinstance(error, ExceptionGroup):
        parts = [_known(one) for one in error.exceptions]
        return [one for part in parts for one in part] if all(parts) else []
    return []


def _print_origin(error: PlugbayError) -> None:
    """Show where in the user's code it comes from: the traceback of its cause, or the line that was wrong."""
    if not isinstance(error, (PlanError, TargetError)):
        return
    cause = error.__cause__
    frames = user_frames(cause) if cause is not None and not isinstance(cause, PlugbayError) else ""
    if frames:
        sys.stderr.write(f"\n{frames}\n")
        return
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if is_users(frame.filename) and frame.line:
            sys.stderr.write(f"  at {frame.filename}:{frame.lineno}, in {frame.name}: {frame.line}\n")
            return


def _hint(*, verbose: bool) -> None:
    if not verbose:
        sys.stderr.write("for the traceback, run it again with -v\n")


def _kind(error: BaseException) -> str:
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _safe(text: str) -> str:
    """Text that the stream can encode, whatever its encoding."""
    encoding = getattr(sys.stderr, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
