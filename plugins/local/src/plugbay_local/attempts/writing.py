"""Keep the lines of one attempt, in an object store or in a file."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from plugbay_hookspecs.types.store import ObjectStore
from plugbay_local.lines import append_line, line_of
from plugbay_local.objects.flushing import flush
from plugbay_local.objects.trees import empty_file

LOG = "log.jsonl"
SEGMENTS = "segments/"
INTERVAL = 1.0
"""Seconds for which a line waits for others before it is written."""
ENOUGH = 64 * 1024
"""Bytes from which on a segment is left as it is and another one begun."""


class Lines(Protocol):
    """The lines of one attempt."""

    def append(self, record: Mapping[str, object]) -> None:
        """Add a line."""

    def close(self) -> None:
        """Have all lines durable when this returns."""


class LinesInFile:
    """Lines that are in a file as soon as they are added: a process that is killed loses none."""

    def __init__(self, path: Path) -> None:
        """Append to the file ``path``."""
        self._path = path

    def append(self, record: Mapping[str, object]) -> None:
        """Add a line."""
        append_line(self._path, record)

    def close(self) -> None:
        """Have all lines durable when this returns."""
        for path in (self._path, self._path.parent):
            file = os.open(path, os.O_RDONLY)
            try:
                flush(file)
            finally:
                os.close(file)


class LinesInStore:
    """Lines that are objects: segments, and in the end one of all.

    A line is in a segment :data:`INTERVAL` seconds later: the last one is written anew with it until there is enough in it.
    A process that is killed loses the lines of the last interval. When an attempt is executed again, what an earlier
    process left under the prefix stays before what is added.
    """

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        """Keep lines in ``store`` behind ``prefix``."""
        self._store, self._prefix = store, prefix
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._waiting: list[bytes] = []
        self._timer: threading.Timer | None = None
        self._closed = False
        log = log_of(store, prefix)
        self._begun_before = bool(log)
        self._segments = segments_of(store, prefix, joined_in(log))
        self._number = max([joined_in(log), *self._segments]) + 1
        self._last_segment = b""

    def append(self, record: Mapping[str, object]) -> None:
        """Add a line, which is written with those of the next second."""
        line = line_of(record)
        with self._lock:
            self._waiting.append(line)
            self._write_later()

    def _write_later(self) -> None:
        if self._timer is None and self._waiting and not self._closed:
            self._timer = threading.Timer(INTERVAL, self._write_segment)
            self._timer.daemon = True
            self._timer.start()

    def _write_segment(self) -> None:
        with self._writing:
            with self._lock:
                lines = self._waiting[:]
            if lines and not self._closed:
                content = self._last_segment + b"".join(lines)
                try:
                    key = segment_key(self._prefix, self._number)
                    self._store.put(key, content, durable=False)
                except OSError:  # the store may be away for a while; the lines wait on
                    lines = []
                else:
                    self._segments[self._number] = key
                    full = len(content) >= ENOUGH
                    self._number, self._last_segment = self._number + full, b"" if full else content
            with self._lock:
                del self._waiting[: len(lines)]
                self._timer = None
                self._write_later()

    def close(self) -> None:
        """Have all lines durable in one object when this returns."""
        with self._writing:
            with self._lock:
                self._closed = True
                if self._timer is not None:
                    self._timer.cancel()
            key = self._prefix + LOG
            if not self._segments and not self._begun_before:
                self._store.put(key, b"".join(self._waiting))
                return
            joined = empty_file(self._store.scratch())
            try:
                with joined.open("wb") as file:
                    for part in (key, *self._segments.values()):
                        file.writelines(_chunks(self._store, part))
                    # Should this process be killed before the segments are deleted, nobody reads them twice.
                    file.writelines([*self._waiting, line_of({"joined": self._number})])
                self._store.put(key, joined)
            finally:
                joined.unlink(missing_ok=True)
            self._store.delete(list(self._segments.values()))


def segment_key(prefix: str, number: int) -> str:
    """Where the lines of one interval of an attempt lie."""
    return f"{prefix}{SEGMENTS}{number:08}.jsonl"


def log_of(store: ObjectStore, prefix: str) -> bytes:
    """The lines of an attempt that has ended; empty while it goes on."""
    try:
        return store.get(prefix + LOG)
    except FileNotFoundError:
        return b""


def joined_in(log: bytes) -> int:
    """The number of the last segment that is in a log; 0 when none is."""
    return max((record.get("joined", 0) for record in records_in(log)), default=0)


def segments_of(store: ObjectStore, prefix: str, joined: int) -> dict[int, str]:
    """The segments of an attempt that goes on, or was killed, by their numbers, but for those up to ``joined``."""
    keys = [entry.key for entry in store.list(f"{prefix}{SEGMENTS}")]
    numbered = {int(key.rpartition("/")[2].partition(".")[0]): key for key in keys}
    return {number: key for number, key in numbered.items() if number > joined}


def records_in(lines: bytes) -> Iterator[dict[str, Any]]:
    """The records of lines; the last one of a process that was killed while it wrote is left out."""
    for line in lines.split(b"\n"):
        with suppress(ValueError):
            if isinstance(record := json.loads(line), dict):
                yield record


def _chunks(store: ObjectStore, key: str) -> Iterator[bytes]:
    try:
        with store.open(key) as file:
            while chunk := file.read(1 << 20):
                yield chunk
    except FileNotFoundError:
        return
