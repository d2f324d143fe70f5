"""What a step prints, kept in a file of its own while it runs: in order, and complete even when it is killed."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, ClassVar, TextIO

from plugbay.execution.log_files import LONG, LogFile, SpareLog, TextLog
from plugbay_hookspecs.types import StepInfo

_log: ContextVar[TextLog | None] = ContextVar("plugbay_log", default=None)


class _Router(io.TextIOBase):
    """Stands for a standard stream: text goes to the log of the step that prints it, and on to the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.write = _writer(stream.write)  # type: ignore[method-assign]  # a method would look up more for each line

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """The stream is not the step's to close; nor is it when this is collected."""

    def fileno(self) -> int:
        return self._stream.fileno()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream.encoding

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _writer(forward: Callable[[str], int]) -> Callable[[str], int]:
    """What writes text to the log and on to the stream: it is all that capturing a line costs, so it calls little."""
    current = _log.get

    def write(text: str) -> int:
        log = current()
        if log is None:
            log = _Routing.lone()
        if log is not None:
            pieces = log.pieces
            if text[-1:] == "\n":
                line = text
                try:
                    while pieces:  # mostly one
                        line = pieces.pop() + line
                    log.put(line.encode())
                except (ValueError, IndexError):  # another thread may have taken the last piece
                    log.put_hard(line)
            elif len(text) + len(pieces) < LONG:
                pieces.append(text)
            else:
                log.put_unended(text)
        return forward(text)

    return write


class _Routing:
    """The standard streams of this process while any step is captured in it; they are the process's, so is this."""

    _lock = threading.Lock()
    _open: ClassVar[list[TextLog]] = []
    _routers: ClassVar[tuple[_Router, _Router] | None] = None
    """In place while a log is open; kept afterwards, because the next step's are the same."""
    _streams: ClassVar[tuple[TextIO, TextIO] | None] = None
    """What the routers stand for."""

    @classmethod
    def lone(cls) -> TextLog | None:
        """The only log there is: where a thread prints that a step has started, its step is not known otherwise."""
        return cls._open[0] if len(cls._open) == 1 else None

    @classmethod
    def share(cls) -> None:
        """Before this process forks."""
        for log in list(cls._open):
            log.share()

    @classmethod
    def begin(cls, log: TextLog) -> None:
        with cls._lock:
            cls._open.append(log)
            if len(cls._open) > 1:
                return
            streams = (sys.stdout, sys.stderr)
            if (
                cls._routers is None
                or cls._streams is None
                or streams[0] is not cls._streams[0]
                or streams[1] is not cls._streams[1]
            ):
                cls._streams, cls._routers = streams, (_Router(sys.stdout), _Router(sys.stderr))
            sys.stdout, sys.stderr = cls._routers

    @classmethod
    def end(cls, log: TextLog) -> None:
        with cls._lock:
            cls._open.remove(log)
            if cls._open or cls._routers is None or cls._streams is None:
                return
            if sys.stdout is cls._routers[0]:  # else somebody replaced it meanwhile, and it is theirs
                sys.stdout = cls._streams[0]
            if sys.stderr is cls._routers[1]:
                sys.stderr = cls._streams[1]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_Routing.share)


@contextmanager
def captured(info: StepInfo, *, own_process: bool, spare: SpareLog | None = None) -> Iterator[LogFile]:
    """Capture what is printed while an attempt is executed.

    :param own_process: nothing else runs in this process: the descriptors of its standard streams are redirected, so
        that what libraries and child processes print is captured too, and nothing is printed elsewhere.
    :param spare: what such a process keeps from one attempt to the next.
    """
    if own_process and threading.current_thread() is threading.main_thread():
        file = LogFile(info, spare)
        with _redirected(file):
            yield file
        return
    log = TextLog(info)
    token = _log.set(log)
    _Routing.begin(log)
    try:
        yield log
    finally:
        _Routing.end(log)
        _log.reset(token)


@contextmanager
def _redirected(log: LogFile) -> Iterator[None]:
    """Point descriptors 1 and 2 at the log; line by line, so that nothing printed is lost with the process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.flush()
            if not stream.line_buffering or stream.errors != "backslashreplace":  # else by an earlier step
                stream.reconfigure(line_buffering=True, errors="backslashreplace")
    saved = os.dup(1), os.dup(2)
    try:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        for copy, descriptor in zip(saved, (1, 2), strict=True):
            os.dup2(copy, descriptor)
            os.close(copy)
