"""Run Plugbay's command line and write down every file-system call that it makes below one directory.

``python recorded.py LOG DIRECTORY WORD...`` adds a line of JSON to ``LOG`` for each call, with absolute paths: descriptors
of directories are resolved, and a file without a name goes by what the system shows for its descriptor. A call and its line
are one step, whatever threads there are. ``put`` is no call of the system: it says that the artifact store has returned from
writing an object.
"""

from __future__ import annotations

import base64
import json
import os
import posix
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

_DESCRIPTORS = "/proc/self/fd/"
_UNNAMED = getattr(os, "O_TMPFILE", -1)


class Recorder:
    """Stands in front of the functions of ``os`` that change a file system."""

    def __init__(self, log: Path, below: str) -> None:
        self._log = posix.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._below = below
        self._lock = threading.RLock()

    def tell(self, op: str, path: str, **more: Any) -> None:
        if path == self._below or path.startswith(f"{self._below}/"):
            posix.write(self._log, json.dumps({"op": op, "path": path, **more}).encode() + b"\n")

    @staticmethod
    def _path(path: Any, directory: int | None) -> str:
        if isinstance(path, int):
            return os.readlink(f"/proc/self/fd/{path}")
        if os.fspath(path).startswith(_DESCRIPTORS):
            return os.readlink(path)
        start = os.getcwd() if directory is None else os.readlink(f"/proc/self/fd/{directory}")
        return os.path.join(start, os.fspath(path))

    def _content(self, path: str | int) -> str:
        """What is in a file; of one that may have no name, by its descriptor."""
        if isinstance(path, int):
            path = f"{_DESCRIPTORS}{path}"
        file = posix.open(path, os.O_RDONLY)
        try:
            parts = []
            while part := posix.read(file, 1 << 20):
                parts.append(part)
        finally:
            posix.close(file)
        return base64.b64encode(b"".join(parts)).decode()

    def _replace(self, name: str, tell: Callable[..., None]) -> None:
        real = getattr(posix, name)

        def call(*args: Any, **options: Any) -> Any:
            with self._lock:
                result = real(*args, **options)
                tell(result, *args, **options)
                return result

        setattr(os, name, call)

    def install(self) -> None:
        """Replace the functions."""
        real_open = posix.open

        def open_(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            with self._lock:
                full = self._path(path, dir_fd)
                new = bool(flags & os.O_CREAT) and not os.path.lexists(full)
                result: int = real_open(path, flags, mode, dir_fd=dir_fd)
                if new:
                    self.tell("create", full)
                elif flags & _UNNAMED == _UNNAMED:
                    self.tell("unnamed", self._path(result, None))
                return result

        os.open = open_
        self._replace("write", lambda count, file, data: self._told_write(file))
        self._replace("fsync", lambda _, file: self._told_sync(file))
        self._replace("mkdir", lambda _, path, mode=0o777, *, dir_fd=None: self.tell("mkdir", self._path(path, dir_fd)))
        self._replace("rmdir", lambda _, path, *, dir_fd=None: self.tell("rmdir", self._path(path, dir_fd)))
        self._replace("utime", lambda _, path, *_a, dir_fd=None, **_k: self.tell("utime", self._path(path, dir_fd)))
        for name in ("unlink", "remove"):
            self._replace(name, lambda _, path, *, dir_fd=None: self.tell("unlink", self._path(path, dir_fd)))
        for name in ("rename", "replace", "link"):
            self._replace(name, self._told_move("link" if name == "link" else "rename"))

    def _told_move(self, op: str) -> Callable[..., None]:
        def tell(
            _: None,
            source: Any,
            target: Any,
            *,
            src_dir_fd: int | None = None,
            dst_dir_fd: int | None = None,
            **_k: Any,
        ) -> None:
            path, to = self._path(source, src_dir_fd), self._path(target, dst_dir_fd)
            # what C code wrote to the file since was not seen
            self.tell("content", path, data=self._content(to), at=to)
            self.tell(op, path, to=to)

        return tell

    def _told_write(self, file: int) -> None:
        if stat.S_ISREG(os.fstat(file).st_mode) and (path := self._path(file, None)).startswith(self._below):
            self.tell("content", path, data=self._content(file), at=path)

    def _told_sync(self, file: int) -> None:
        path = self._path(file, None)
        if stat.S_ISDIR(os.fstat(file).st_mode):
            self.tell("syncdir", path)
        elif path.startswith(self._below):
            self.tell("content", path, data=self._content(file), at=path)
            self.tell("sync", path)


def main() -> int:
    log, below, *words = sys.argv[1:]
    recorder = Recorder(Path(log), below)
    recorder.install()
    from plugbay.cli.entry import main as command_line
    from plugbay_local.objects import writing

    write_object = writing.write_object

    def write(root: str, key: str, *args: Any, durable: bool, **options: Any) -> bool:
        written = write_object(root, key, *args, durable=durable, **options)
        recorder.tell("put", f"{root}/{key}", durable=durable, data=recorder._content(f"{root}/{key}"))
        return written

    writing.write_object = write
    return command_line(words)


if __name__ == "__main__":
    sys.exit(main())
