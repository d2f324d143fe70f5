"""Samples as figures, a table for the terminal and one for the documentation."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from catalogue import CASES, PEERS, PLUGBAY, Case, Peer
from environments import Environment
from turns import Sample

OPENING, CLOSING = "<!-- peers -->", "<!-- /peers -->"


@dataclass(frozen=True)
class Figure:
    """What one peer took for one case, over all rounds."""

    peer: str
    case: str
    unit: str
    samples: int = 0
    median: float | None = None
    smallest: float | None = None
    largest: float | None = None
    ratio: float | None = None
    """Median of the ratios to Plugbay, each measured in the same turn."""
    smallest_ratio: float | None = None
    largest_ratio: float | None = None
    instead: str = ""
    """What stands in the place of a figure: ``no cache``, or the reason of the failure."""


def figures(samples: Sequence[Sample], failures: Mapping[str, str]) -> list[Figure]:
    """Sum the samples up, in the order of the cases; ``failures`` are of peers that could not be installed."""
    names = [peer.name for peer in (PLUGBAY, *PEERS)]
    taken = [name for name in names if name in failures or any(sample.peer == name for sample in samples)]
    return [_figure(name, case, samples, failures.get(name, "")) for case in CASES for name in taken]


def _figure(name: str, case: Case, samples: Sequence[Sample], failure: str) -> Figure:
    own = [sample for sample in samples if (sample.peer, sample.case) == (name, case.name)]
    floors = {(s.round, s.beside): s.figure(case) for s in samples if (s.peer, s.case) == (PLUGBAY.name, case.name)}
    problems = [sample.failure or sample.without for sample in own if sample.failure or sample.without]
    measured: list[float] = []
    ratios: list[float] = []
    for sample in own:
        figure, floor = sample.figure(case), floors.get((sample.round, sample.beside))
        if figure is not None:
            measured.append(figure)
            if floor is not None:
                ratios.append(figure / floor)
    unit, instead = case.unit, failure or next(iter(problems), None) or ""
    if not measured:
        return Figure(name, case.name, unit, instead=instead)
    return Figure(
        name,
        case.name,
        unit,
        samples=len(measured),
        median=statistics.median(measured),
        smallest=min(measured),
        largest=max(measured),
        ratio=statistics.median(ratios) if ratios else None,
        smallest_ratio=min(ratios, default=None),
        largest_ratio=max(ratios, default=None),
        instead=instead,
    )


def print_table(found: Iterable[Figure]) -> None:
    """Print a block for each case, a line for each peer."""
    shown = list(found)
    for case in CASES:
        print(f"\n{case.title} ({case.unit})")
        print(f"  {'':14} {'median':>10} {'min':>10} {'max':>10} {'ratio':>8} {'from':>8} {'to':>8}")
        for figure in shown:
            if figure.case != case.name:
                continue
            columns = [f"{number(value):>10}" for value in (figure.median, figure.smallest, figure.largest)]
            columns += [f"{number(v):>8}" for v in (figure.ratio, figure.smallest_ratio, figure.largest_ratio)]
            print(f"  {figure.peer:14} {' '.join(columns)}  {figure.instead}".rstrip())


def number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(found: Iterable[Figure], environments: Mapping[str, Environment], machine: str, rounds: int) -> str:
    """Return the part of the page that is about peers: the table, how to read it, and the notes."""
    cells = {(figure.peer, figure.case): figure for figure in found}
    names = list(dict.fromkeys(peer for peer, _ in cells))
    peers = [peer for peer in (PLUGBAY, *PEERS) if peer.name in names]
    lines = [
        "| | " + " | ".join(f"{case.title} ({case.unit})" for case in CASES) + " |",
        "| --- |" + " ---: |" * len(CASES),
    ]
    reasons: list[str] = []
    for peer in peers:
        row = [_labelled(peer, environments)]
        for case in CASES:
            figure = cells[peer.name, case.name]
            row.append(_cell(figure, peer))
            if figure.instead and not _is_absence(figure):
                reasons.append(f"- {peer.title}, {case.title}: {figure.instead}")
        lines.append("| " + " | ".join(row) + " |")
    lines += [
        "",
        f"Medians of {rounds} round{'s' * (rounds != 1)}, smallest and largest in brackets; ×: times what Plugbay took in the"
        f" same turn, median. {machine}. Each process has a new home; the first run of a new user makes databases and the"
        " like, the others find them. Chains and fans are measured inside the process, after a pipeline of one step. Where a"
        " peer takes a number of workers it is 8, Plugbay included. `tox run -e peers` measures all of it anew.",
        "",
        *(f"- **{peer.title}**: {peer.notes}" for peer in peers),
    ]
    if reasons:
        lines += ["", "What could not be measured:", "", *dict.fromkeys(reasons)]
    return "\n".join(lines) + "\n"


def _labelled(peer: Peer, environments: Mapping[str, Environment]) -> str:
    environment = environments.get(peer.name)
    return f"{peer.title} {environment.version(peer)}" if environment else peer.title


def _is_absence(figure: Figure) -> bool:
    return figure.instead in ("no cache", "sequential")


def _cell(figure: Figure, peer: Peer) -> str:
    if figure.median is None:
        return figure.instead if _is_absence(figure) else "failed"
    text = f"{number(figure.median)} ({number(figure.smallest)}–{number(figure.largest)})"
    return text if peer is PLUGBAY or figure.ratio is None else f"{text} ×{number(figure.ratio)}"


def fill(page: Path, part: str) -> None:
    """Put ``part`` between the markers of the page, which has them; a page that is missing is made of them."""
    if not page.exists():
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"# Benchmarks\n\n{OPENING}\n{CLOSING}\n", encoding="utf-8")
    before, _, rest = page.read_text(encoding="utf-8").partition(OPENING)
    _, _, after = rest.partition(CLOSING)
    page.write_text(f"{before}{OPENING}\n\n{part}\n{CLOSING}{after}", encoding="utf-8")


def can_fill(page: Path) -> bool:
    """Whether the page has the markers, or is not there yet."""
    return not page.exists() or CLOSING in page.read_text(encoding="utf-8").partition(OPENING)[2]
