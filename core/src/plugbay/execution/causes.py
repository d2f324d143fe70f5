"""The exception of a step that ran in another process, for whoever is told in this one that the run failed."""

from __future__ import annotations

import contextlib

from plugbay.serializers.pickling import dumps, loads
from plugbay_hookspecs.types import ErrorInfo


class StepError(Exception):
    """Stands for what a step raised in another process, where the exception itself cannot be had in this one."""

    def __init__(self, error: ErrorInfo) -> None:
        """Say what ``error`` says."""
        super().__init__(str(error))
        self.error = error
        """The exception's type, message and traceback."""


class WorkerTraceback(Exception):
    """The traceback that an exception had in the process of its step; the cause of the exception here."""

    def __init__(self, text: str) -> None:
        """Hold the traceback as Python prints it."""
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text.rstrip()}\n"""'


def packed(error: BaseException | None) -> bytes | None:
    """The exception for another process; ``None`` when it does not come out of it as it went in."""
    if error is None:
        return None
    with contextlib.suppress(Exception):  # classes of exceptions break pickling in every way there is
        content = dumps(error)
        if type(loads(content)) is type(error):
            return content
    return None


def unpacked(content: bytes | None, error: ErrorInfo) -> BaseException:
    """The exception that :func:`packed` was given, or one that stands for it; its cause is the traceback it had there."""
    raised: BaseException | None = None
    if content is not None:
        with contextlib.suppress(Exception):  # its class may not be there to be imported here
            raised = loads(content)
    if not isinstance(raised, BaseException):
        raised = StepError(error)
    if error.traceback:
        with contextlib.suppress(Exception):  # a class may refuse to be changed
            raised.__cause__ = WorkerTraceback(error.traceback)
    return raised
