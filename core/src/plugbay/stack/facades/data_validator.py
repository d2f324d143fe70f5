"""The typed facade of a data validator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import Check, Report


class DataValidator(ToOne):
    """What checks tables and models; see :mod:`plugbay_hookspecs.data_validator` for what each call promises."""

    def profile(self, data: Any, *, reference: Any = None) -> Report | None:
        """Describe a table; ``None`` when the tool draws no profiles."""
        report: Report | None = self._value(Report, "profile", data=data, reference=reference)
        return report

    def validate(self, data: Any, checks: Sequence[Check | Any] = (), *, reference: Any = None) -> Report:
        """Check a table; without checks, make those that the settings name."""
        report: Report = self._value(Report, "validate", data=data, checks=checks, reference=reference)
        return report

    def validate_model(
        self, data: Any, model: Any, checks: Sequence[Check | Any] = (), *, reference: Any = None, target: str
    ) -> Report | None:
        """Check how well a model predicts the column ``target``; ``None`` when the tool checks tables only."""
        report: Report | None = self._value(
            Report, "validate_model", data=data, model=model, checks=checks, reference=reference, target=target
        )
        return report
