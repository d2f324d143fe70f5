"""Every case, in the order of the table; one module for each kind of cost."""

from collections.abc import Iterator

from benchmarks.case import Bench, Case
from benchmarks.cases import arrays, chains, history, logs, pools, processes, side_by_side


def every(bench: Bench) -> Iterator[Case]:
    """Yield all cases; a case prepares what it needs when its turn comes."""
    for module in (chains, pools, arrays, side_by_side, logs, processes, history):
        yield from module.cases(bench)
