"""Every case, in the order of the table; one module for each kind of cost."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.case import Bench, Case

_MODULES = ("chains", "pools", "arrays", "side_by_side", "logs", "processes", "history", "engines")


def every(bench: Bench) -> Iterator[Case]:
    """Yield all cases; a case prepares what it needs when its turn comes.

    The modules are imported here, because a worker process imports only the one whose step it executes.
    """
    for name in _MODULES:
        yield from importlib.import_module(f"{__name__}.{name}").cases(bench)
