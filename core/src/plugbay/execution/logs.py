"""What a step prints, kept in a file of its own while it runs: in order, and complete even when it is killed.

What Python code prints is taken where it is printed, by :class:`_Router`, and so belongs to the step that printed it also
where several run in threads of one process. Everything else comes by the :mod:`descriptors
<plugbay.execution.descriptors>`, while one step alone runs in the process' main thread.
"""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, ClassVar
from weakref import WeakSet

from plugbay.execution.descriptors import process as descriptors
from plugbay.execution.log_files import LONG, SpareLog, TextLog
from plugbay.masking import Veil, any_hidden, masked
from plugbay_hookspecs.types import StepInfo

_log: ContextVar[TextLog | None] = ContextVar("plugbay_log", default=None)


class _Nowhere(io.TextIOBase):
    """Stands for the standard stream of a process that has none."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def write(self, text: Any) -> int:
        if not isinstance(text, str):
            msg = f"write() argument must be str, not {type(text).__name__}"
            raise TypeError(msg)
        return len(text)

    def writable(self) -> bool:
        return True


class _Router(io.TextIOBase):
    """Stands for a standard stream: text goes to the log of the step that prints it, and on to the stream itself."""

    def __init__(self, stream: Any, number: int) -> None:
        self._stream, self.number = stream, number
        self.target: Any = stream
        """What the text goes on to."""
        self.takes = True
        """Whether text is put into the log here, and not by where the descriptor leads to."""
        self.forward: Callable[[str], int] = stream.write
        self._turned: Any = None
        self._set(stream, stream.write)
        self._buffer = _Bytes(self)

    def _set(self, target: Any, forward: Callable[[str], int], *, takes: bool = True) -> None:
        self.target, self.takes = target, takes
        if forward != self._turned:
            self.forward = self._turned = forward
            # a method would look up more for each line
            self.write = _writer(self, forward) if takes else forward  # type: ignore[method-assign]

    def turn(self, *, quiet: bool) -> None:
        """Write on to what the stream stands for now: itself, or what its descriptor led to before it led to the log."""
        stream = self._stream
        number = _number(stream) if descriptors.active else None
        if number is None:
            self._set(stream, stream.write)
            return
        target = descriptors.stream(stream, number)
        if quiet and type(stream) is io.TextIOWrapper:
            self._set(_NOWHERE, _NOWHERE.write)
        elif target is not None:
            self._set(target, target.write)
        else:  # it writes to the descriptor, in a way of its own
            self._set(stream, self._through, takes=False)

    def _through(self, text: str) -> int:
        written = self._stream.write(text)
        self._stream.flush()
        return len(text) if written is None else int(written)

    def write_masked(self, log: TextLog, text: Any) -> int:
        """Write text with ``***`` in the place of secrets; what may be the begin of one waits for what follows."""
        if not isinstance(text, str):
            self.forward(text)
        veil = log.veils.get(self)
        if veil is None:
            veil = log.veils[self] = Veil()
            self._emit(log, masked(log.taken()).encode("utf-8", "backslashreplace"), shown=False)
        self._emit(log, veil.masked(text.encode("utf-8", "surrogatepass")))
        return len(text)

    def finish(self, log: TextLog) -> None:
        """Write what waits."""
        veil = log.veils.pop(self, None)
        if veil is not None:
            with suppress(OSError, ValueError):
                self._emit(log, veil.rest())

    def _emit(self, log: TextLog, content: bytes, *, shown: bool = True) -> None:
        if not content:
            return
        try:
            text = content.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            text = content.decode("utf-8", "backslashreplace")
        if self.takes:
            if descriptors.active:
                descriptors.bring()
            log.put_bytes(text.encode("utf-8", "backslashreplace"))
        if shown:
            self.forward(text)

    def write_bytes(self, data: Any) -> int:
        """Write what ``sys.stdout.buffer`` is given."""
        if isinstance(data, str):
            msg = "a bytes-like object is required, not 'str'"
            raise TypeError(msg)
        content = bytes(memoryview(data))
        buffer = None if self.target is _NOWHERE else self.target.buffer
        log = _Routing.log()
        if descriptors.forked:
            _write_in_child(self.number, content)
            return len(content)
        shown = content
        if log is not None and self.takes:
            if any_hidden():
                veil = log.veils.get(self)
                if veil is None:
                    veil = log.veils[self] = Veil()
                shown = veil.masked(content)
            if descriptors.active:
                descriptors.bring()
            log.put_bytes(shown)
        if buffer is not None:
            self.target.flush()
            if "write" in getattr(self.target, "__dict__", {}):  # a display, which takes text
                self.target.write(shown.decode("utf-8", "backslashreplace"))
            else:
                buffer.write(shown)
        return len(content)

    def flush(self) -> None:
        log = _Routing.log()
        if log is not None:
            log.flush()
        if descriptors.active:
            descriptors.bring()
        self.target.flush()

    def reconfigure(self, **how: Any) -> None:
        self._stream.reconfigure(**how)
        if self.target is not self._stream:
            self.target.reconfigure(**how)

    def close(self) -> None:
        """The stream is not the step's to close; nor is it when this is collected."""

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def isatty(self) -> bool:
        return bool((self._stream if self.target is _NOWHERE else self.target).isatty())

    def writable(self) -> bool:
        return True

    @property
    def buffer(self) -> Any:
        return self._buffer if getattr(self._stream, "buffer", None) is not None else self._stream.buffer

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._stream.encoding)

    @property
    def errors(self) -> str | None:  # type: ignore[override]
        errors: str | None = self._stream.errors
        return errors

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Bytes(io.BufferedIOBase):
    """Stands for the ``buffer`` of a standard stream."""

    def __init__(self, router: _Router) -> None:
        self._router = router

    def write(self, data: Any) -> int:
        return self._router.write_bytes(data)

    def flush(self) -> None:
        self._router.flush()

    def close(self) -> None:
        """As above."""

    def fileno(self) -> int:
        return self._router.fileno()

    def isatty(self) -> bool:
        return self._router.isatty()

    def writable(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._router._stream.buffer, name)


_NOWHERE = _Nowhere()


def _number(stream: Any) -> int | None:
    """The descriptor of a standard stream that leads to the log; ``None`` for a stream that is none, or has another one."""
    try:
        number = stream.fileno()
    except (OSError, ValueError, AttributeError):
        return None
    return number if number in (1, 2) else None


def _writer(router: _Router, forward: Callable[[str], int]) -> Callable[[str], int]:
    """What writes text to the log and on to the stream: it is all that capturing a line costs, so it calls little."""
    current, place, state = _log.get, os.lseek, descriptors

    def write(text: Any) -> int:
        log = current()
        if log is None:
            log = _Routing.lone()
        if log is not None:
            if state.hard:
                return _hard(router, log, text)
            pieces = log.pieces
            if text[-1:] == "\n":
                line = text
                try:
                    if pieces:
                        while pieces:  # mostly one
                            line = pieces.pop() + line
                    elif state.handle >= 0 and place(state.handle, 0, 2) != state.seen:  # of a file: 2 is its end
                        state.bring()
                    log.put(line.encode())
                except (ValueError, IndexError, OSError):  # another thread may have taken the last piece
                    log.put_hard(line)
            elif not text or not isinstance(text, str):
                pass
            elif len(text) + len(pieces) < LONG:
                if not pieces and state.handle >= 0 and place(state.handle, 0, 2) != state.seen:
                    state.bring()
                pieces.append(text)
            else:
                if not pieces and state.active:
                    state.bring()
                log.put_unended(text)
        return forward(text)

    return write


def _hard(router: _Router, log: TextLog, text: Any) -> int:
    if not isinstance(text, str) or not router.takes:
        router.forward(text)
    elif descriptors.forked:
        _write_in_child(router.number, masked(text).encode("utf-8", "backslashreplace"))
    else:
        return router.write_masked(log, text)
    return len(text)


def _write_in_child(number: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(number, view) :]


class _Routing:
    """The standard streams of this process while any step is captured in it; they are the process's, so is this."""

    _lock = threading.RLock()
    _open: ClassVar[list[tuple[TextLog, bool, bool]]] = []
    """The logs, each with whether its step runs in the main thread, and whether it is shown nowhere else."""
    _routers: ClassVar[tuple[_Router, _Router] | None] = None
    """In place while a log is open; kept afterwards, because the next step's are the same."""
    _streams: ClassVar[tuple[Any, Any] | None] = None
    """What the routers stand for."""
    _owner: ClassVar[TextLog | None] = None
    """The log that the descriptors lead to."""
    _before: ClassVar[frozenset[threading.Thread]] = frozenset()
    _late: ClassVar[WeakSet[threading.Thread]] = WeakSet()
    """Threads that steps have left behind."""

    @classmethod
    def log(cls) -> TextLog | None:
        """The log of what prints here."""
        return _log.get() or cls.lone()

    @classmethod
    def lone(cls) -> TextLog | None:
        """The only log there is: where a thread prints that a step has started, its step is not known otherwise."""
        if len(cls._open) != 1 or (cls._late and threading.current_thread() in cls._late):
            return None
        return cls._open[0][0]

    @classmethod
    def share(cls) -> None:
        """Before this process forks."""
        for log, _, _ in list(cls._open):
            log.share()

    @classmethod
    def begin(cls, log: TextLog, *, main: bool, quiet: bool) -> None:
        with cls._lock:
            if not cls._open:
                cls._before = frozenset(threading.enumerate())
                streams = (sys.stdout, sys.stderr)
                if (
                    cls._routers is None
                    or cls._streams is None
                    or streams[0] is not cls._streams[0]
                    or streams[1] is not cls._streams[1]
                ):
                    cls._streams = streams
                    cls._routers = _Router(streams[0] or _NOWHERE, 1), _Router(streams[1] or _NOWHERE, 2)
                sys.stdout, sys.stderr = cls._routers
            cls._open.append((log, main, quiet))
            cls._settle()

    @classmethod
    def end(cls, log: TextLog) -> None:
        with cls._lock:
            for router in cls._routers or ():
                router.finish(log)
            cls._open = [each for each in cls._open if each[0] is not log]
            cls._settle()
            if cls._open or cls._routers is None or cls._streams is None:
                return
            cls._late |= {thread for thread in threading.enumerate() if thread not in cls._before}
            sys.stdout, sys.stderr = cls._streams

    @classmethod
    def _settle(cls) -> None:
        """Let the descriptors lead to the log of the step that runs in the main thread, while none runs elsewhere."""
        owner, quiet = None, False
        if cls._open and all(main for _, main, _ in cls._open):
            owner, _, quiet = cls._open[-1]
        if owner is cls._owner:
            return
        if cls._owner is not None:
            descriptors.end()
        cls._owner = owner if owner is not None and descriptors.begin(owner, quiet=quiet) else None
        for router in cls._routers or ():
            router.turn(quiet=quiet)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_Routing.share)


@contextmanager
def captured(info: StepInfo, *, own_process: bool, spare: SpareLog | None = None) -> Iterator[TextLog]:
    """Capture what is printed while an attempt is executed.

    :param own_process: nothing else runs in this process: nothing is printed elsewhere.
    :param spare: what such a process keeps from one attempt to the next.
    """
    main = threading.current_thread() is threading.main_thread()
    quiet = own_process and main
    log = TextLog(info, spare if quiet else None)
    if quiet:
        log.fileno()  # what is printed before the process is killed belongs to the attempt
    pid, token = os.getpid(), _log.set(log)
    _Routing.begin(log, main=main, quiet=quiet)
    try:
        yield log
    finally:
        if os.getpid() == pid:
            _Routing.end(log)
        _log.reset(token)
