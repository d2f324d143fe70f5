"""Read the lines of a file while another process writes it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

PAUSE = 0.1
"""Seconds between two looks at the file."""


def lines_of(path: Path, tail: int | None = None, follows: Callable[[], bool] = bool) -> Iterator[str]:
    """Yield the lines of a file without their line ends.

    :param tail: begin with this many before the end.
    :param follows: whether more is to be expected; what was written before it said no is read.
    """
    rest = b""

    def fresh() -> Iterator[bytes]:
        nonlocal rest
        while chunk := file.read(1 << 16):
            *complete, rest = (rest + chunk).split(b"\n")
            yield from complete

    with path.open("rb") as file:
        more = follows()
        begin: Iterable[bytes] = fresh()
        if tail is not None:
            kept = deque(begin, maxlen=tail)
            if not tail:
                rest = b""
            elif rest and len(kept) == tail:  # the line that is being written is one of them
                kept.popleft()
            begin = kept
        yield from map(_text, begin)
        while more:
            time.sleep(PAUSE)
            more = follows()
            yield from map(_text, fresh())
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").removesuffix("\r")
