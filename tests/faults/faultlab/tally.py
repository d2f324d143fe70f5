"""Counting what was injected and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any


class Tally:
    """Faults, recoveries and losses of a session."""

    def __init__(self) -> None:
        self.injected: dict[str, int] = {}
        self.recovered = 0
        self.lost = 0
        self.twice = 0
        self.overwritten = 0
        self._lock = threading.Lock()

    def fault(self, kind: str, count: int = 1) -> None:
        """Count injected faults."""
        with self._lock:
            self.injected[kind] = self.injected.get(kind, 0) + count

    def recovery(self, lost: int = 0) -> None:
        """Count a run that came to its right end, and the committed steps that did not survive until then."""
        with self._lock:
            self.recovered += 1
            self.lost += lost

    def damage(self, *, lost: int = 0, twice: int = 0, overwritten: int = 0) -> None:
        """Count committed steps that did not survive, steps that ran again after they had succeeded, and ends that were changed."""
        with self._lock:
            self.lost += lost
            self.twice += twice
            self.overwritten += overwritten

    def counts(self) -> dict[str, Any]:
        """All of it, for :meth:`add`."""
        return {
            "injected": self.injected,
            "recovered": self.recovered,
            "lost": self.lost,
            "twice": self.twice,
            "overwritten": self.overwritten,
        }

    def add(self, counts: Mapping[str, Any] | None) -> None:
        """Take over what another process of the session has counted."""
        if counts is None:
            return
        for kind, count in counts["injected"].items():
            self.fault(kind, count)
        with self._lock:
            self.recovered += counts["recovered"]
        self.damage(**{kind: counts[kind] for kind in ("lost", "twice", "overwritten")})

    def line(self) -> str:
        """The summary."""
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.injected.items()))
        total = sum(self.injected.values())
        return (
            f"faults injected: {total} ({kinds}); runs recovered: {self.recovered}; steps lost: {self.lost}; "
            f"steps run twice: {self.twice}; ends overwritten: {self.overwritten}"
        )
