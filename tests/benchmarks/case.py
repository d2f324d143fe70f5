"""A case: something that is measured, the floor beside it, and the budget for their ratio."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from attrs import field, frozen

from benchmarks.measuring import Sample

Pair: TypeAlias = tuple[Sample, Sample]
"""What is measured, and its floor."""


@frozen
class Bench:
    """Where the cases work, and how thoroughly."""

    root: Path
    quick: bool

    def folder(self) -> Path:
        """A new directory on the file system that is measured."""
        return Path(tempfile.mkdtemp(dir=self.root))

    def rounds(self, usual: int) -> int:
        """How many repetitions count."""
        return min(usual, 3) if self.quick else usual


@frozen(kw_only=True)
class Case:
    """Something to measure."""

    name: str
    floor: str
    """What the floor is."""
    pair: Callable[[int], Pair]
    """Takes the number of the repetition, 0 for the one that does not count."""
    rounds: int
    budget: float | None = None
    """The most that the median ratio may be."""
    unit: str = "ms"
    """``ms`` of wall-clock time, or ``MB`` of memory."""
    long: bool = False
    """Left out of a quick run."""


@frozen(kw_only=True)
class Figure:
    """What was measured."""

    name: str
    floor_is: str
    unit: str
    budget: float | None
    ratio: float
    smallest: float
    largest: float
    measured: float
    """The median, in seconds or bytes, as is the floor."""
    floor: float
    cpu: float
    """Seconds, the median."""
    floor_cpu: float
    peak: int | None
    """Bytes, the largest."""
    noted: dict[str, float] = field(factory=dict)
    """The largest of what the measured code told beside."""
    samples: list[Pair] = field(factory=list, repr=False)

    @property
    def over(self) -> bool:
        """Whether the budget is exceeded."""
        return self.budget is not None and self.ratio > self.budget


def in_turns(measure: Callable[[], Sample], floor: Callable[[], Sample]) -> Callable[[int], Pair]:
    """Take both, and begin with the other one each time: what the first leaves behind falls on both alike."""

    def pair(number: int) -> Pair:
        if number % 2:
            first = measure()
            return first, floor()
        first = floor()
        return measure(), first

    return pair


def figure_of(case: Case) -> Figure:
    """Measure a case."""
    case.pair(0)  # fills caches, writes compiled files
    samples = [case.pair(number + 1) for number in range(case.rounds)]
    values = [(_value(case, measured), _value(case, floor)) for measured, floor in samples]
    ratios = sorted(measured / floor for measured, floor in values)
    return Figure(
        name=case.name,
        floor_is=case.floor,
        unit=case.unit,
        budget=case.budget,
        ratio=statistics.median(ratios),
        smallest=ratios[0],
        largest=ratios[-1],
        measured=statistics.median(measured for measured, _ in values),
        floor=statistics.median(floor for _, floor in values),
        cpu=statistics.median(measured.cpu for measured, _ in samples),
        floor_cpu=statistics.median(floor.cpu for _, floor in samples),
        peak=max((measured.peak for measured, _ in samples if measured.peak is not None), default=None),
        noted=_noted(samples),
        samples=samples,
    )


def _value(case: Case, sample: Sample) -> float:
    return float(sample.peak or 0) if case.unit == "MB" else sample.wall


def _noted(samples: list[Pair]) -> dict[str, float]:
    names = dict.fromkeys(name for measured, _ in samples for name in measured.noted or ())
    return {name: max((measured.noted or {}).get(name, 0.0) for measured, _ in samples) for name in names}


def chosen(cases: Iterator[Case], only: str | None, *, quick: bool) -> Iterator[Case]:
    """The cases that are asked for."""
    for case in cases:
        if (only is None or only.lower() in case.name.lower()) and not (quick and case.long):
            yield case
