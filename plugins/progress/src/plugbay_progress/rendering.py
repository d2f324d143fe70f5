"""What lines and snapshots look like on a terminal; the one module that imports rich."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from plugbay_progress import wording

if TYPE_CHECKING:
    from plugbay_progress.lines import Activity, Line, Snapshot

_GLYPHS = {
    "succeeded": "✓",
    "cached": "≡",
    "retrying": "↻",
    "failed": "✗",
    "cancelled": "✗",
    "interrupted": "✗",
    "skipped": "–",
    "running": "●",
    "more": "…",
    "separator": "·",
    "done": "━",
    "to do": "─",
}
_ASCII_GLYPHS = {
    "succeeded": "+",
    "cached": "=",
    "retrying": "~",
    "failed": "x",
    "cancelled": "x",
    "interrupted": "x",
    "skipped": "-",
    "running": "*",
    "more": "...",
    "separator": "|",
    "done": "#",
    "to do": "-",
}
_STYLES = {
    "succeeded": "green",
    "cached": "cyan",
    "retrying": "yellow",
    "failed": "bold red",
    "cancelled": "yellow",
    "interrupted": "yellow",
    "skipped": "dim",
    "running": "blue",
}
_WHOLE = ("failed", "run started", "run finished")
"""The kinds of lines that take a second line rather than lose their end."""
_NARROW = 60
"""Columns below which the bar is left out."""
_BAR = 20


class Renderer:
    """Turns lines and snapshots into text with escape sequences for colours, and no others.

    :param encoding: of the stream; without the glyphs in it, ASCII letters stand for them.
    """

    def __init__(self, encoding: str) -> None:
        """Find out from the environment which colours may be used."""
        # With a file of its own: rich writes to its file even when what it prints is captured.
        self._console = Console(file=io.StringIO(), force_terminal=True, force_jupyter=False, highlight=False)
        self._glyphs: Mapping[str, str] = _GLYPHS if _can_encode(encoding) else _ASCII_GLYPHS
        self._longest = 12

    def line(self, line: Line, width: int, label: str) -> str:
        """Render one line that stays, ended by a newline.

        :param width: columns to use. Failures take more lines if need be.
        :param label: which run it belongs to, if that must be said.
        """
        text = self._text(line, width)
        if label and not line.kind.startswith("run"):
            text.append(f"  {label}", style="dim")
        return self._printed(text, width, whole=line.kind in _WHOLE) + "\n"

    def frame(self, snapshots: Sequence[Snapshot], width: int, height: int, labels: Mapping[str, str]) -> list[str]:
        """Render the live lines: what is running, then a summary of each run.

        :param height: how many lines there may be.
        :param labels: by run id, how to tell several runs apart.
        """
        summaries = [self._summary(snapshot, width) for snapshot in snapshots]
        room = max(0, height - len(summaries))
        rows = [
            self._activity(activity, width, labels.get(snapshot.run.id, ""))
            for snapshot in snapshots
            for activity in snapshot.activities
        ]
        hidden = sum(snapshot.more for snapshot in snapshots)
        if len(rows) + (hidden > 0) > room:
            kept = max(0, room - 1)
            hidden += len(rows) - kept
            rows = rows[:kept]
        if hidden and room:
            rows.append(Text(f"  and {hidden} more", style="dim"))
        return [self._printed(row, width) for row in [*rows, *summaries][:height]]

    def unfinished(self, text: str, width: int) -> str:
        """Render a line of a step's output that has no end yet."""
        return self._printed(Text.from_ansi(text.expandtabs().rstrip("\r").rpartition("\r")[2]), width)

    def _text(self, line: Line, width: int) -> Text:
        run = line.run
        match line.kind:
            case "run started":
                resumed = "resumed, " if run.resumed else ""
                steps = wording.counted(run.steps, "step")
                # Alone on its line the id can be selected whole, in 40 columns too.
                return Text.assemble(
                    (run.pipeline, "bold"), f" on stack {run.stack}: {resumed}{steps}\n", (run.id, "dim")
                )
            case "run finished":
                return self._run_end(line)
            case "only counted":
                return Text(f"  from here on, steps {line.message} are only counted", style="dim")
        style = _STYLES[line.kind]
        text = Text.assemble((self._glyphs[line.kind], style), " ", self._step(line.step, width), "  ")
        took = wording.brief(line.seconds) if line.seconds is not None else ""
        match line.kind:
            case _ if line.counts is not None:
                calls = wording.counted(sum(line.counts.values()), "call")
                parts = f": {wording.tally(line.counts)}" if len(line.counts) > 1 else ""
                text.append(f"{took}  {calls}{parts}")
            case "succeeded":
                text.append(took)
            case "cached":
                text.append("cached", style=style)
            case "cancelled":
                text.append(f"cancelled  {took}", style=style)
            case "skipped":
                text.append(f"skipped ({line.message})" if line.message else "skipped", style=style)
            case "retrying":
                text.append(f"retrying in {wording.delay(line.seconds or 0)}", style=style)
                text.append(f": {line.message}")
            case _:
                text.append("  ".join(filter(None, [took, line.message])))
        return text

    def _run_end(self, line: Line) -> Text:
        text = Text.assemble(
            (self._glyphs[line.message], _STYLES[line.message]),
            " ",
            (line.run.pipeline, "bold"),
            " ",
            (line.message, _STYLES[line.message]),
            f" in {wording.brief(line.seconds or 0)}",
        )
        counts = wording.tally(line.counts or {})
        text.append(f": {counts}" if counts else "")
        # A step's failure has a line of its own already.
        if line.error and not line.step:
            text.append(f"\n  {line.error}")
        return text

    def _activity(self, activity: Activity, width: int, label: str) -> Text:
        if activity.waiting:
            glyph, words = "retrying", f"attempt {activity.attempt} in {wording.whole(activity.seconds + 1)}"
        else:
            glyph, words = "running", wording.whole(activity.seconds)
            if activity.calls:
                words = f"{activity.calls_done}/{activity.calls} calls  {words}"
            if activity.attempt > 1:
                words += f"  attempt {activity.attempt}"
        text = Text.assemble((self._glyphs[glyph], _STYLES[glyph]), " ", self._step(activity.step, width), "  ", words)
        if activity.calls_failed:
            text.append(f", {activity.calls_failed} failed", style=_STYLES["failed"])
        if label:
            text.append(f"  {label}", style="dim")
        return text

    def _summary(self, now: Snapshot, width: int) -> Text:
        total = max(now.run.steps, now.done)
        text = Text()
        if width >= _NARROW and total:
            done = _BAR * now.done // total
            text.append(self._glyphs["done"] * done, style="green")
            text.append(self._glyphs["to do"] * (_BAR - done) + " ", style="dim")
        dot = f" {self._glyphs['separator']} "
        text.append(f"{now.done}/{total}", style="bold")
        text.append(f"{dot}{wording.whole(now.seconds)}")
        if now.failed:
            text.append(dot)
            text.append(f"{now.failed} failed", style=_STYLES["failed"])
        text.append(f"{dot}{now.run.pipeline}{dot}{now.run.id}", style="dim")
        return text

    def _step(self, step: str, width: int) -> str:
        # What follows the ids stands in one column, which only moves to the right.
        self._longest = max(self._longest, len(step))
        column = min(self._longest, width * 2 // 5)
        if len(step) <= column:
            return step.ljust(column)
        # The end of a long id tells the calls of a step apart.
        kept = max(2, column - len(self._glyphs["more"]))
        return step[: kept - kept // 2] + self._glyphs["more"] + step[len(step) - kept // 2 :]

    def _printed(self, text: Text, width: int, whole: bool = False) -> str:
        with self._console.capture() as captured:
            if whole:
                self._console.print(text, width=width, overflow="fold", end="")
            else:
                self._console.print(text, width=width, no_wrap=True, overflow="ellipsis", end="")
        return captured.get()


def _can_encode(encoding: str) -> bool:
    try:
        "".join(_GLYPHS.values()).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
