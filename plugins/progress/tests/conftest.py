"""Real processes on real terminals and pipes, and a reader of what a terminal shows."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import textwrap
from collections.abc import Callable, Mapping
from typing import TypeAlias

import pytest
from attrs import define, field, frozen

from plugbay.testing.waiting import stretched

PRELUDE = """
import os, sys, threading, time
from plugbay.testing.waiting import stretched
from plugbay_hookspecs.types import CacheSource, ErrorInfo, RunInfo, RunOutcome, StepInfo
from plugbay_progress import Progress

def run_info(run="r-0001", steps=3, pipeline="flights"):
    return RunInfo(id=run, pipeline=pipeline, stack="default", steps=steps)

def step(name, attempt=1, run="r-0001"):
    return StepInfo(run_id=run, pipeline="flights", step=name, name=name.partition(".")[0], attempt=attempt)

def outcome(status="succeeded", seconds=1.5, **rest):
    return RunOutcome(status=status, seconds=seconds, **rest)

def error(message="boom", type="ValueError"):
    return ErrorInfo(type=type, message=message)

def redrawn():
    time.sleep(stretched(0.35))

progress = Progress()

def finish():
    progress.run_finished(run=run_info(), outcome=outcome())
"""


@define
class Screen:
    """What a terminal shows after the output so far: enough of one for these tests."""

    columns: int
    rows: list[list[str]] = field(factory=lambda: [[]])
    row: int = 0
    column: int = 0

    def show(self, output: str) -> Screen:
        """Take output in."""
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|[^\x1b]|\x1b", output):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self._down()
            elif len(part) == 1:
                self._put(part)
            elif part.endswith("A"):
                self.row -= int(part[2:-1] or 1)
                assert self.row >= 0
            elif part == "\x1b[J":
                del self.rows[self.row + 1 :]
                del self.rows[self.row][self.column :]
            else:
                assert part.endswith("m"), f"unexpected control sequence {part!r}"
        return self

    def lines(self) -> list[str]:
        """Return the lines, without blanks at their ends and at the end."""
        return "\n".join("".join(row).rstrip() for row in self.rows).rstrip().split("\n")

    def _down(self) -> None:
        self.row += 1
        if self.row == len(self.rows):
            self.rows.append([])

    def _put(self, letter: str) -> None:
        if self.column == self.columns:
            self._down()
            self.column = 0
        row = self.rows[self.row]
        row.extend(" " * (self.column - len(row)))
        row[self.column : self.column + 1] = letter
        self.column += 1


@frozen
class Shown:
    """What a process left on its terminal."""

    code: int
    output: str
    columns: int

    def lines(self) -> list[str]:
        """Return the lines it shows in the end."""
        return Screen(self.columns).show(self.output).lines()

    def lines_at(self, mark: str) -> list[str]:
        """Return the lines it showed when the process wrote ``mark`` with ``os.write``."""
        before, found, _ = self.output.partition(mark)
        assert found
        return [_at_once(line) for line in Screen(self.columns).show(before).lines()]


def _at_once(line: str) -> str:
    """A line as if no second had gone by, which a busy machine may need."""
    line = re.sub(r"(^● .*  )\d+s", r"\g<1>0s", line)
    line = re.sub(r" · \d+s · ", " · 0s · ", line)
    return re.sub(r"(attempt \d+ in) [0-2]s", r"\1 2s", line)


OnTerminal: TypeAlias = Callable[..., Shown]
Piped: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]
Begun: TypeAlias = Callable[..., "subprocess.Popen[bytes]"]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Make the environment of a child: the same whatever terminal the tests run on."""
    dropped = ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES", "TTY_COMPATIBLE")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return {**kept, "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **changes}


def command(body: str) -> list[str]:
    """Make the command that runs ``body`` after the prelude."""
    return [sys.executable, "-c", PRELUDE + textwrap.dedent(body)]


@pytest.fixture
def on_terminal() -> OnTerminal:
    """Run a script on a terminal of its own."""

    def start(body: str, columns: int = 80, lines: int = 24, **changes: str) -> Shown:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        with subprocess.Popen(
            command(body), stdin=theirs, stdout=theirs, stderr=theirs, env=environment(changes)
        ) as process:
            os.close(theirs)
            output = bytearray()
            while True:
                try:
                    piece = os.read(ours, 65536)
                except OSError:
                    # Linux says EIO where others say end of file.
                    break
                if not piece:
                    break
                output += piece
            os.close(ours)
            code = process.wait(timeout=stretched(20))
        return Shown(code, output.decode(), columns)

    return start


@pytest.fixture
def piped() -> Piped:
    """Run a script with its output in pipes."""

    def start(body: str, **changes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(body), capture_output=True, text=True, timeout=stretched(20), env=environment(changes), check=False
        )

    return start


@pytest.fixture
def begun() -> Begun:
    """Begin a script with the streams that the test chooses."""

    def start(body: str, **streams: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command(body), env=environment({}), **streams)  # type: ignore[call-overload, no-any-return]

    return start
