"""What a step prints, kept in a file of its own while it runs: in order, and complete even when it is killed."""

from __future__ import annotations

import functools
import io
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, ClassVar, TextIO

from plugbay.home import log_path
from plugbay_hookspecs.types import StepInfo

_TRIES = 100

_log: ContextVar[LogFile | None] = ContextVar("plugbay_log", default=None)


class LogFile:
    """A log that is written line by line, straight to the operating system; made when the first text comes."""

    def __init__(self, info: StepInfo) -> None:
        """Keep what the attempt ``info`` prints."""
        self._info = info
        self._handle: int | None = None
        self._line = b""
        self._lock = threading.Lock()

    @functools.cached_property
    def path(self) -> Path:
        """Where it lies; most steps print nothing and never ask."""
        return log_path(self._info.run_id, self._info.step, self._info.attempt)

    def fileno(self) -> int:
        """The file's descriptor; makes the file."""
        if self._handle is None:
            self._handle = _open(self.path)
        return self._handle

    def write(self, text: str) -> None:
        """Add text; it reaches the file with the end of its line."""
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            if not data.endswith(b"\n") and len(self._line) < io.DEFAULT_BUFFER_SIZE:
                self._line += data
                return
            data, self._line = self._line + data, b""
            _write_all(self.fileno(), data)

    def close(self) -> bool:
        """Write what is left, and tell whether there is anything in the log."""
        with self._lock:
            if self._line:
                _write_all(self.fileno(), self._line)
                self._line = b""
            if self._handle is None:
                return False
            size = os.fstat(self._handle).st_size
            os.close(self._handle)
            self._handle = None
        if size == 0:
            with suppress(OSError):
                self.path.unlink()
        return size > 0


def _open(path: Path) -> int:
    """Make a log; where that is not possible, what is printed is lost and the step goes on."""
    # Who uploads the log of another attempt removes a directory that is empty, also while it is being made here: then it
    # is not there for the file, or mkdir finds it there and yet no directory.
    for _ in range(_TRIES):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except (FileNotFoundError, FileExistsError):
            continue
        except OSError:
            break
    return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def _write_all(handle: int, data: bytes) -> None:
    with suppress(OSError):  # a full disk must not fail a step because of what it prints
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]


class _Router(io.TextIOBase):
    """Stands for a standard stream: text goes to the log of the step that prints it, and on to the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        log = _log.get() or _Routing.lone()
        if log is not None:
            log.write(text)
        return self._stream.write(text)

    def flush(self) -> None:
        self._stream.flush()

    @functools.cached_property
    def path(self) -> Path:
        """Where it lies; most steps print nothing and never ask."""
        return log_path(self._info.run_id, self._info.step, self._info.attempt)

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


class _Routing:
    """The standard streams of this process while any step is captured in it; they are the process's, so is this."""

    _lock = threading.Lock()
    _open: ClassVar[list[LogFile]] = []
    _routers: ClassVar[tuple[_Router, _Router] | None] = None
    _streams: ClassVar[tuple[TextIO, TextIO] | None] = None

    @classmethod
    def lone(cls) -> LogFile | None:
        """The only log there is: where a thread prints that a step has started, its step is not known otherwise."""
        return cls._open[0] if len(cls._open) == 1 else None

    @classmethod
    def begin(cls, log: LogFile) -> None:
        with cls._lock:
            cls._open.append(log)
            if cls._routers is None:
                cls._streams = (sys.stdout, sys.stderr)
                cls._routers = (_Router(sys.stdout), _Router(sys.stderr))
                sys.stdout, sys.stderr = cls._routers

    @classmethod
    def end(cls, log: LogFile) -> None:
        with cls._lock:
            cls._open.remove(log)
            if cls._open or cls._routers is None or cls._streams is None:
                return
            if sys.stdout is cls._routers[0]:  # else somebody replaced it meanwhile, and it is theirs
                sys.stdout = cls._streams[0]
            if sys.stderr is cls._routers[1]:
                sys.stderr = cls._streams[1]
            cls._routers = cls._streams = None


@contextmanager
def captured(info: StepInfo, *, own_process: bool) -> Iterator[LogFile]:
    """Capture what is printed while an attempt is executed.

    :param own_process: nothing else runs in this process: the descriptors of its standard streams are redirected, so
        that what libraries and child processes print is captured too, and nothing is printed elsewhere.
    """
    log = LogFile(info)
    if own_process and threading.current_thread() is threading.main_thread():
        with _redirected(log):
            yield log
        return
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
