"""A file in Chrome's trace event format, to which any number of processes append whole lines."""

from __future__ import annotations

import json
import os
import stat
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_HEAD = b'[{"name":"process_name",'
"""How a file begins."""


class TraceError(Exception):
    """A file that no trace can be written to."""


class TraceFile:
    """A JSON array without its closing bracket, which the format allows: an event a line, after a comma.

    A line begins with its line break, so that one that was torn spoils no other. Each is one write to a file that is open
    for appending: lines of several processes do not mix, and what is written survives the process, however it ends.
    """

    def __init__(self, path: Path, process: str) -> None:
        """Open the file; one that is a trace already is continued. Raises :class:`TraceError` when there can be none.

        :param process: the name of this process, with which a new file begins.
        """
        self.path = path
        try:
            self._file = _opened(path, process)
        except OSError as error:
            msg = f"{path} cannot be written: {error.strerror or error}"
            raise TraceError(msg) from error
        self._open = True
        self._closing = weakref.finalize(self, os.close, self._file)
        self._closing.atexit = False  # hooks may still be called then

    def write(self, event: Mapping[str, Any]) -> None:
        """Append an event. Raises ``OSError`` when it cannot be written."""
        if not self._open:
            return
        line = f"\n,{_json(event)}".encode()
        while line:
            line = line[os.write(self._file, line) :]  # in one piece, unless the disk is full

    def close(self) -> None:
        """Write nothing more; the file itself is closed with the object, lest another thread writes elsewhere."""
        self._open = False


def _opened(path: Path, process: str) -> int:
    with suppress(FileExistsError):
        _create(path, process)
    file = os.open(path, os.O_RDWR | os.O_APPEND)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            msg = f"{path} is no file"
            raise TraceError(msg)
        if os.read(file, len(_HEAD)) != _HEAD:
            msg = f"{path} is something else than a trace, and is left as it is; name another file"
            raise TraceError(msg)
    except BaseException:
        os.close(file)
        raise
    return file


def _create(path: Path, process: str) -> None:
    """Make the file appear with its first line in it: another process may be about to append the second."""
    if path.exists():
        return
    place = {"pid": os.getpid(), "tid": threading.get_native_id()}
    first = {"name": "process_name", "ph": "M", **place, "args": {"name": process}}
    head = f"[{_json(first)}".encode()
    made = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        made.write_bytes(head)
        os.link(made, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without links, or one that tells below what is wrong
        with path.open("xb", buffering=0) as file:
            file.write(head)
    finally:
        made.unlink(missing_ok=True)


def _json(event: Mapping[str, Any]) -> str:
    return json.dumps(event, separators=(",", ":"))
