"""What a pipeline has become for a run: a plan, and the functions that it names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

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
