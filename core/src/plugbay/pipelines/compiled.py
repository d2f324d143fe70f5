"""What a pipeline has become for a run: a plan, and the functions that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from plugbay.code.fingerprint import Walk
from plugbay.code.location import CodeLocation
from plugbay.pipelines.step import Step
from plugbay_hookspecs.types import Plan


@frozen(kw_only=True)
class Compiled:
    """A plan with the live functions it was made from."""

    plan: Plan
    steps: Mapping[str, Step[..., Any]]
    """By step id."""
    code: CodeLocation
    on_success: Callable[..., object] | None = None
    on_failure: Callable[..., object] | None = None
    walks: tuple[Walk, ...] = ()
    """The walks over the code of the steps, which are settled when steps have run in this process."""

    def settle(self) -> None:
        """Have what the steps themselves have changed in this process not count as a change of the code."""
        for walk in self.walks:
            walk.settle()
