"""What a step may log: numbers as metrics, and as parameters plain values, numbers of a library, or the text of anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plugbay.values import EncodingError, encode

_LONGEST_TEXT = 6000
"""Characters of a parameter that is logged as text; the trackers take no more either."""


def plain_parameters(params: Mapping[str, object]) -> dict[str, object]:
    """The parameters as plain values: a number of NumPy or such as Python's own, what is not plain as its text."""
    plain: dict[str, object] = {}
    for name, value in params.items():
        try:
            plain[str(name)] = _plain(value)
        except RecursionError:  # it contains itself, which its text can say
            plain[str(name)] = _text(value)
    return plain


def _plain(value: Any) -> Any:
    try:
        encode(value)
    except EncodingError:
        kind = type(value)
    else:
        return value
    if kind in (list, tuple, set, frozenset):
        return kind([_plain(item) for item in value])
    if kind is dict:
        return {_plain(key): _plain(item) for key, item in value.items()}
    return _scalar(value)


def _scalar(value: Any) -> Any:
    """The Python number of an array or a tensor without dimensions; the text of anything else."""
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        try:
            item = value.item()
            encode(item)
        except Exception:  # noqa: BLE001  any library's; then it is its text
            return _text(value)
        if isinstance(item, (bool, int, float, complex, str, bytes)) and not _is_moment(value):
            return item
    return _text(value)


def _is_moment(value: Any) -> bool:
    """Whether it is a moment or a duration, whose number says nothing without its unit."""
    return getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m")


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def metric_number(name: str, value: Any) -> float:
    """The number that a metric is. Raises ``TypeError`` for what is none, texts of numbers and complex ones among them."""
    if not isinstance(value, (str, bytes, bytearray, complex)):
        try:
            return float(value)
        except (TypeError, ValueError, OverflowError) as error:
            msg = f"metric {name!r} must be a number, got {value!r:.60}"
            raise TypeError(msg) from error
    kind = "text" if isinstance(value, str) else type(value).__name__
    msg = f"metric {name!r} must be a number, got the {kind} {value!r:.60}"
    raise TypeError(msg)
