"""What a terminal can show: colours where they are wanted, tables that fit, JSON."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from plugbay.cli.wording import printable
from plugbay.json_text import indented

STATUS_COLOURS = {
    "succeeded": "green",
    "ok": "green",
    "cached": "cyan",
    "running": "blue",
    "failed": "red",
    "broken": "red",
    "interrupted": "yellow",
    "cancelled": "yellow",
    "skipped": "dim",
}
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_NARROWEST = 4


class Style:
    """Colours, or none."""

    def __init__(self, *, enabled: bool) -> None:
        """Colour text only if ``enabled``."""
        self.enabled = enabled

    def paint(self, text: str, colour: str | None) -> str:
        """The text in a colour of that name."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.enabled and colour and text else text

    def status(self, status: str, text: str | None = None) -> str:
        """A status (or ``text``) in the colour of the status."""
        return self.paint(text if text is not None else status, STATUS_COLOURS.get(status, "yellow"))

    def bold(self, text: str) -> str:
        """For what matters."""
        return self.paint(text, "bold")

    def dim(self, text: str) -> str:
        """For what matters less."""
        return self.paint(text, "dim")

    def red(self, text: str) -> str:
        """For errors."""
        return self.paint(text, "red")

    def yellow(self, text: str) -> str:
        """For warnings."""
        return self.paint(text, "yellow")


def stdout_style() -> Style:
    """The style for standard output."""
    return Style(enabled=_coloured(sys.stdout))


def stderr_style() -> Style:
    """The style for standard error."""
    return Style(enabled=_coloured(sys.stderr))


def _coloured(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str = "") -> None:
    """Print a line; what the stream's encoding lacks is escaped."""
    try:
        sys.stdout.write(f"{text}\n")
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(f"{text.encode(encoding, 'backslashreplace').decode(encoding)}\n")


def say_json(tree: Any) -> None:
    """Print a tree as JSON, strictly."""
    say(indented(tree))


def say_table(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    status: int | None = None,
    right: Sequence[int] = (),
    indent: str = "",
) -> None:
    """Print rows below their heads; on a terminal the last column is cut where the line ends.

    :param status: the column to colour as a status.
    :param right: the columns to align at the right.
    """
    style = stdout_style()
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(heads)]
    left = room() - len(indent) - sum(widths[:-1]) - 2 * (len(widths) - 1)
    say(indent + style.dim(_line(heads, widths, right, left)))
    for row in cells:
        line = _line(row, widths, right, left)
        if status is not None and style.enabled:
            at = sum(widths[:status]) + 2 * status
            cell = line[at : at + widths[status]]
            line = line[:at] + style.status(row[status], cell) + line[at + widths[status] :]
        say(indent + line)


def _line(row: Sequence[str], widths: Sequence[int], right: Sequence[int], room: int) -> str:
    aligned = [
        cell.rjust(width) if index in right else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    aligned[-1] = cut(row[-1], max(room, _NARROWEST)) if len(widths) - 1 not in right else aligned[-1]
    return "  ".join(aligned).rstrip()


def cut(text: str, width: int) -> str:
    """The text in at most ``width`` columns."""
    return text if len(text) <= width else f"{text[: max(width - 3, 0)]}..."


def room() -> int:
    """Columns of the terminal; without one a line may be as long as it is."""
    if not sys.stdout.isatty():
        return 10_000
    import shutil  # costs as much as the rest of this module

    return shutil.get_terminal_size().columns
