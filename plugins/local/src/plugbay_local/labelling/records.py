"""Read and write files of JSON lines that people and programs write to at the same time."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from errno import ENOENT
from pathlib import Path
from typing import Any

from plugbay_local.objects.flushing import flush


def encoded(records: Iterable[Mapping[str, object]]) -> bytes:
    """Write records as lines; raise ``ValueError`` for what JSON cannot hold."""
    try:
        return b"".join(f"{json.dumps(each, ensure_ascii=False, allow_nan=False)}\n".encode() for each in records)
    except (TypeError, RecursionError) as error:
        msg = f"not plain JSON: {error}"
        raise ValueError(msg) from error


def read(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read the records of a file, each with the number of its line.

    The last line is left out while it is being written. Raises ``ValueError``, with the line, for any other that is not
    a JSON object.
    """
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            msg = f"{path}, line {number}: not JSON: {error}"
            raise ValueError(msg) from error
        if not isinstance(record, dict):
            msg = f"{path}, line {number}: a JSON object was expected, not {line.decode()}"
            raise ValueError(msg)  # noqa: TRY004 -- a value in a file
        yield number, record


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep other processes that ask for the lock of a file from changing what it guards.

    Raises ``FileNotFoundError`` when the file is gone, also when it went while others had the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # until the file is closed
        if os.fstat(descriptor).st_ino != path.stat().st_ino:
            raise FileNotFoundError(ENOENT, os.strerror(ENOENT), str(path))
        yield
    finally:
        os.close(descriptor)


def append(path: Path, content: bytes, *, people_write: bool = False) -> None:
    """Append whole lines, none of them where the disk is full, and flush the file, also for what a killed process wrote and did not flush.

    A last line that a killed process left unfinished is taken away: it was never promised. Where people write to the file
    it may be theirs, and ``ValueError`` is raised. The caller holds the lock.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        kept = path.read_bytes()
        *_, last = kept.rsplit(b"\n", 1)
        if last.strip():
            if _is_json(last):
                content = b"\n" + content
            elif people_write:
                msg = f"{path}: the last line is not whole: finish it or take it away"
                raise ValueError(msg)
            else:
                kept = kept[: len(kept) - len(last)]
                os.ftruncate(descriptor, len(kept))
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError:
            os.ftruncate(descriptor, len(kept))
            raise
        flush(descriptor)
    finally:
        os.close(descriptor)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True
