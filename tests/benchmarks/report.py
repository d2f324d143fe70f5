"""Figures for a terminal, for a program and for the documentation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import asdict

from benchmarks.case import Figure

BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
_HEADS = ("what", "measured", "floor", "ratio", "from", "to", "budget", "CPU", "peak", "floor is")
_WIDTHS = (38, 12, 12, 7, 7, 7, 6, 11, 8)


def head() -> str:
    """The first line of the table."""
    return _line(_HEADS)


def row(figure: Figure) -> str:
    """A figure as a line of the table."""
    return _line(_cells(figure)) + ("   OVER" if figure.over else "")


def notes(figure: Figure) -> list[str]:
    """A line for each thing that the measured code told beside."""
    return [f"    {name}: {seconds * 1e3:.1f} ms at most" for name, seconds in figure.noted.items()]


def _line(cells: tuple[str, ...]) -> str:
    first, *others, last = cells
    middle = " ".join(cell.rjust(width) for cell, width in zip(others, _WIDTHS[1:], strict=True))
    return f"{first:{_WIDTHS[0]}} {middle}  {last}".rstrip()


def _cells(figure: Figure) -> tuple[str, ...]:
    return (
        figure.name,
        _amount(figure.measured, figure.unit),
        _amount(figure.floor, figure.unit),
        f"{figure.ratio:.3f}",
        f"{figure.smallest:.2f}",
        f"{figure.largest:.2f}",
        "" if figure.budget is None else f"{figure.budget:g}",
        _amount(figure.cpu, "ms"),
        "" if figure.peak is None else f"{figure.peak / 1e6:.0f} MB",
        figure.floor_is,
    )


def _amount(value: float, unit: str) -> str:
    return f"{value / 1e6:.0f} MB" if unit == "MB" else f"{value * 1e3:.3f} ms"


def write_json(path: Path, machine: dict[str, Any], figures: list[Figure], *, quick: bool) -> None:
    """Keep everything, each sample too."""
    tree = {"machine": machine, "quick": quick, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(tree, indent=1))


def read_json(path: Path) -> tuple[dict[str, Any], list[Figure]]:
    """Read what :func:`write_json` wrote, without the samples."""
    tree = json.loads(path.read_text())
    return tree["machine"], [Figure(**{**figure, "samples": []}) for figure in tree["figures"]]


def write_markdown(path: Path, machine: dict[str, Any], figures: list[Figure]) -> None:
    """Put the table between the markers in a document. Raises ``ValueError`` when they are not there."""
    text = path.read_text()
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        msg = f"{path} has no place for figures: a line {BEGIN} and a line {END}"
        raise ValueError(msg)
    path.write_text(f"{before}{BEGIN}\n\n{_markdown(machine, figures)}\n{END}{after}")


def _markdown(machine: dict[str, Any], figures: list[Figure]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items() if version)
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB; {machine['kernel']};"
        f" {machine['filesystem']}; {machine['python']}; {versions}; commit {machine['commit'] or 'unknown'}.",
        "",
        f"| {' | '.join(_HEADS)} |",
        f"| --- |{' ---: |' * (len(_HEADS) - 2)} --- |",
    ]
    for figure in figures:
        cells = list(_cells(figure))
        if figure.over:
            cells[3] = f"**{cells[3]} over**"
        lines.append(f"| {' | '.join(cells)} |")
        lines += [
            f"| {figure.name}: {name} | {_amount(value, 'ms')} |{' |' * 8}" for name, value in figure.noted.items()
        ]
    return "\n".join(lines) + "\n"
