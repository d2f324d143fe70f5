"""How durations, counts and messages are put in words."""

import re
from collections.abc import Mapping

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?")
_LONGEST_MESSAGE = 300


def one_line(message: str) -> str:
    """Take the first line of ``message`` that is not blank, without anything a terminal would obey."""
    for line in _ESCAPE_SEQUENCE.sub("", message[:10_000]).splitlines():
        printable = "".join(letter if letter.isprintable() else " " for letter in line).strip()
        if printable:
            return printable if len(printable) <= _LONGEST_MESSAGE else f"{printable[:_LONGEST_MESSAGE]}..."
    return ""


def exact(seconds: float) -> str:
    """Write seconds to the hundredth, for lines that programs read."""
    return f"{seconds:.2f}s"


def brief(seconds: float) -> str:
    """Write a duration for a person: ``0.42s``, ``12.3s``, ``2m05s``, ``1h02m``."""
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    return whole(seconds)


def whole(seconds: float) -> str:
    """Write a duration that changes once a second, so that a clock need not be redrawn more often."""
    minutes, rest = divmod(int(seconds), 60)
    if not minutes:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"


def delay(seconds: float) -> str:
    """Write how long until something happens: ``2s``, ``0.5s``, ``5m00s``."""
    return f"{round(seconds, 1):g}s" if seconds < 60 else whole(seconds)


def counted(number: int, noun: str) -> str:
    """Write ``1 step``, ``2 steps``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tally(counts: Mapping[str, int]) -> str:
    """Write ``5 succeeded, 1 failed``: what there is none of is left out."""
    return ", ".join(f"{number} {what}" for what, number in counts.items() if number)
