"""Append JSON lines to a file that many threads and processes append to."""

import fcntl
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

# What JSON leaves in a text and a reader may take for the end of a line, a terminal obeys or UTF-8 has no form for.
_hostile = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def line_of(record: Mapping[str, object]) -> bytes:
    """A record as one line, with its end."""
    text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    return _hostile.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode() + b"\n"


def append_line(path: Path, record: Mapping[str, object]) -> None:
    """Append a record as one line; the directories above are made where they are missing.

    The line of a process that was killed while it wrote stays as it is, on a line of its own.
    """
    line = line_of(record)
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # until the file is closed
        size = os.fstat(file).st_size
        if size and os.pread(file, 1, size - 1) != b"\n":
            line = b"\n" + line
        while line:
            line = line[os.write(file, line) :]
    finally:
        os.close(file)
