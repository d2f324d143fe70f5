"""How durations, sizes, times and counts are put in words."""

from __future__ import annotations

import time
from collections.abc import Mapping

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float | None) -> str:
    """Write ``12ms``, ``0.42s``, ``12.3s``, ``2m05s``, ``1h02m``; ``-`` for none."""
    if seconds is None:
        return "-"
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f}ms"
    if seconds < 9.995:
        return f"{seconds:.2f}s"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s"


def size(count: int) -> str:
    """Write ``12 bytes``, ``3.4 MiB``."""
    amount, unit = float(count), 0
    while amount >= 1023.95 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    return f"{count} {'byte' if count == 1 else 'bytes'}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def moment(seconds: float) -> str:
    """Write a time of the epoch as local time: ``14:03:05`` for today, else with the date."""
    then = time.localtime(seconds)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M", then)


def ago(seconds: float) -> str:
    """Write how long ago a time of the epoch is: ``5 minutes ago``."""
    passed = max(time.time() - seconds, 0)
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if passed >= length:
            return f"{counted(int(passed // length), unit)} ago"
    return "just now"


def timestamp(seconds: float) -> str:
    """Write a time of the epoch for a program: ISO 8601, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{int(seconds % 1 * 1000):03}Z"


def counted(number: int, noun: str) -> str:
    """Write ``1 step``, ``2 steps``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def tally(counts: Mapping[str, int]) -> str:
    """Write ``5 succeeded, 1 failed``; what there is none of is left out."""
    return ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)


def first_line(text: str | None) -> str:
    """The first line of a docstring or a message that is not blank."""
    return next((line.strip() for line in (text or "").splitlines() if line.strip()), "")


def printable(text: str) -> str:
    """The text in one line, without anything that a terminal would obey."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def short(run_id: str) -> str:
    """The end of a run's id: the part that tells runs apart, because ids begin with the time."""
    return run_id[-8:]
