"""JSON as every reader takes it: Python's own writes ``NaN`` and ``Infinity``, which JSON has no numbers for."""

from __future__ import annotations

import json
import math
from typing import Any

_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_indented = json.JSONEncoder(ensure_ascii=False, indent=2, allow_nan=False).encode


def compact(tree: Any) -> str:
    """The JSON text of a tree on one line; a number that is none becomes text, as :func:`spelt` writes it."""
    try:
        return _compact(tree)
    except ValueError:
        return _compact(spelt(tree))


def indented(tree: Any) -> str:
    """Like :func:`compact`, for a person to read."""
    try:
        return _indented(tree)
    except ValueError:
        return _indented(spelt(tree))
    except RecursionError:  # Python indents it with a frame for each level; what does not takes none
        return compact(tree)


def spelt(tree: Any) -> Any:
    """The tree with ``"NaN"``, ``"Infinity"`` and ``"-Infinity"`` as texts, as the JSON of protocol buffers has them."""
    if isinstance(tree, float) and not math.isfinite(tree):
        return "NaN" if math.isnan(tree) else "Infinity" if tree > 0 else "-Infinity"
    if isinstance(tree, dict):
        return {spelt(key): spelt(item) for key, item in tree.items()}
    return [spelt(item) for item in tree] if isinstance(tree, (list, tuple)) else tree
