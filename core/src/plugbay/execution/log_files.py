"""The file that keeps what an attempt prints: all of it up to the last whole line, whenever the process is killed."""

from __future__ import annotations

import functools
import mmap
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from plugbay.home import growing_log_path, log_name, log_path
from plugbay.masking import Veil
from plugbay_hookspecs.types import StepInfo

_TRIES = 100
_FEW = 64
"""Lines from which on the file is mapped; most steps print fewer."""
_WINDOW = 1 << 18
"""Bytes of a file that are mapped at a time."""
_SHARED = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)
LONG = 1 << 10
"""Characters, and pieces, of a line that are not kept back until it ends."""


class SpareLog:
    """The file of a log that stayed empty, kept for the next one: to rename a file costs less than to remove and make one."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self._path = ""
        self._handle: int | None = None

    def keep(self, path: str, handle: int) -> None:
        """Keep the empty file at ``path``, which is open."""
        self.close()
        self._path, self._handle = path, handle

    def take(self, name: str) -> tuple[str, int] | None:
        """Rename what is kept and return its path and descriptor; ``None`` when there is nothing, or it is gone."""
        handle, self._handle = self._handle, None
        if handle is None:
            return None
        path = f"{os.path.dirname(self._path)}/{name}"
        try:
            os.rename(self._path, path)  # noqa: PTH104  text, because each step asks for it
        except OSError:
            os.close(handle)
            return None
        return path, handle

    def close(self) -> None:
        """Remove what is kept."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
            with suppress(OSError):
                os.unlink(self._path)


class LogFile:
    """A log that any process may append to; made when it is first asked for."""

    def __init__(self, info: StepInfo, spare: SpareLog | None = None) -> None:
        """Keep what the attempt ``info`` prints, in the spare file when there is one."""
        self._info, self._spare = info, spare
        self._handle: int | None = None
        self._opened = ""

    @property
    def name(self) -> str:
        """What the file is called; a path takes longer to make, and most steps print nothing."""
        return log_name(self._info.step, self._info.attempt)

    @functools.cached_property
    def path(self) -> Path:
        """Where it lies once it is complete."""
        return log_path(self._info.run_id, self._info.step, self._info.attempt)

    def fileno(self) -> int:
        """The descriptor of the file; makes the file."""
        if self._handle is None and self._spare is not None:
            taken = self._spare.take(self.name)
            if taken is not None:
                self._opened, self._handle = taken
        if self._handle is None:
            self._opened, self._handle = str(self.path), _open(self.path)
        return self._handle

    def close(self) -> bool:
        """Complete the file, and tell whether there is anything in it."""
        if self._handle is None:
            return False
        handle, self._handle = self._handle, None
        empty = os.fstat(handle).st_size == 0
        if empty and self._spare is not None:
            self._spare.keep(self._opened, handle)
            return False
        os.close(handle)
        if empty:
            with suppress(OSError):
                self.path.unlink()
        return not empty


class TextLog(LogFile):
    """A log of the text that this process prints; a line costs no system call once there are many.

    The file is mapped into memory, so that the operating system has what was copied there, whatever becomes of the process.
    Meanwhile it has another name (:func:`plugbay.home.growing_log_path`), and zeros behind its end. Text that is copied ends
    with something else than a zero, so that the end can be told. What is copied takes no lock, which would cost as much again;
    so where a window ends is only known once it is closed. A process that forks appends line by line from then on, as the
    other one does.
    """

    def __init__(self, info: StepInfo, spare: SpareLog | None = None) -> None:
        """Keep what the attempt ``info`` prints, in the spare file when there is one."""
        super().__init__(info, spare)
        self.run_id = info.run_id
        self.veils: dict[object, Veil] = {}
        """By stream, what masks the text that is printed there once there is a secret to hide."""
        self.pieces: list[str] = []
        """What was printed of a line that has not ended."""
        self.put: Callable[[bytes], object] = self._append_alone
        """Adds to the file; raises ``ValueError`` for what :meth:`put_hard` is for."""
        self._lock = threading.Lock()
        self._left = _FEW
        self._closed = False
        self._window: mmap.mmap | None = None
        self._start = 0

    def put_unended(self, text: str) -> None:
        """Put what there is of a line into the file, but for zeros at its end."""
        self.pieces.append(text)
        with self._lock:
            self._put_pieces()

    def _put_pieces(self) -> None:
        text = self.taken()
        ended = text.rstrip("\0")
        if len(ended) < len(text):
            self.pieces.insert(0, text[len(ended) :])
        if ended:
            self._put(ended)

    def taken(self) -> str:
        """Take the pieces and join them; another thread may be taking some, too."""
        last_first = []
        with suppress(IndexError):
            while True:
                last_first.append(self.pieces.pop())
        return "".join(reversed(last_first))

    def put_hard(self, text: str) -> None:
        """Put text into the file that may not be UTF-8, or not fit into the window, or meets one that was just closed."""
        with self._lock:
            self._put(text)

    def put_bytes(self, data: bytes) -> None:
        """Put what may be no text into the file, but for zeros at its end, behind what there is of a line."""
        with self._lock:
            self._put_pieces()
            ended = data.rstrip(b"\0")
            if self.pieces and ended:  # zeros that something follows
                ended = self.taken().encode() + ended
            if ended:
                self._write(ended)
            if len(ended) < len(data) or not ended:
                self.pieces.append("\0" * (len(data) - len(data.rstrip(b"\0"))))

    def flush(self) -> None:
        """Put what there is of a line into the file."""
        if self.pieces:
            with self._lock:
                self._put_pieces()

    def _put(self, text: str) -> None:
        self._write(text.encode("utf-8", "backslashreplace"))

    def _write(self, data: bytes) -> None:
        if self._closed:  # a thread that the step has left behind
            return
        if self._window is None:
            self._append(data)
            return
        try:
            self._window.write(data)
        except ValueError:
            self._go_on(data)

    def _append_alone(self, data: bytes) -> None:
        with self._lock:
            self._write(data)  # the file may have been mapped while this waited

    def _append(self, data: bytes) -> None:
        _write_all(self.fileno(), data)
        self._left -= 1
        if self._left == 0:
            self._map()

    def _map(self) -> None:
        try:
            again = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except OSError:  # it is written nowhere, or there are too many open files: go on as before
            return
        try:
            self.path.rename(growing_log_path(self.path))
        except OSError:
            os.close(again)
            return
        os.close(self.fileno())
        self._handle = again
        self._show(os.fstat(again).st_size)

    def _show(self, end: int) -> None:
        """Map the part of the file behind ``end``; where that cannot be done, append as before."""
        start = end - end % mmap.ALLOCATIONGRANULARITY
        try:
            # Without room for it on the disk, to copy something there would end the process.
            os.posix_fallocate(self.fileno(), start, _WINDOW)
            window = mmap.mmap(self.fileno(), _WINDOW, flags=_SHARED, offset=start)
        except (OSError, AttributeError):  # no room left, or a system without the call
            self._unmap(end)
            return
        window.seek(end - start)
        self._window, self._start, self.put = window, start, window.write

    def _go_on(self, data: bytes) -> None:
        """Put into the file what does not fit into the window."""
        end = self._close_window()
        if len(data) > _WINDOW // 2:
            with suppress(OSError):
                os.ftruncate(self.fileno(), end)
                os.lseek(self.fileno(), end, os.SEEK_SET)
            _write_all(self.fileno(), data)
            end = os.fstat(self.fileno()).st_size
            data = b""
        self._show(end)
        if self._window is not None:
            self._window.write(data)
        else:
            self._append(data)

    def _close_window(self) -> int:
        """Let nobody copy there any more, and tell where the text ends."""
        if self._window is not None:
            self._window.close()
            self._window = None
        return self._start + len(os.pread(self.fileno(), _WINDOW, self._start).rstrip(b"\0"))

    def _unmap(self, end: int) -> None:
        """Give the file its final form and name, and append to it from now on."""
        self._left, self.put = -1, self._append_alone
        if self._handle is not None:
            with suppress(OSError):
                os.ftruncate(self._handle, end)
                growing_log_path(self.path).rename(self.path)
            os.close(self._handle)
            self._handle = None

    def share(self) -> None:
        """Let a process that is about to be forked append to the file too."""
        with self._lock:
            self._put_pieces()
            if self._window is not None:
                self._unmap(self._close_window())
            self._left = -1

    def close(self) -> bool:
        """Complete the file, and tell whether there is anything in it."""
        with self._lock:
            rest = self.taken()
            ended = rest.rstrip("\0")
            if ended:
                self._put(ended)
            end = 0
            if self._window is not None:
                end = self._close_window()
                self._unmap(end)
            if len(ended) < len(rest):
                self._append(rest[len(ended) :].encode())
            self._closed, self.put = True, self._append_alone
            return super().close() or end > 0


def completed(growing: Path) -> Path:
    """Complete a log that a process which was killed has left, and return where it lies then."""
    path = growing.with_suffix("")
    with growing.open("r+b") as file:
        file.truncate(len(file.read().rstrip(b"\0")))
    return growing.rename(path)


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
