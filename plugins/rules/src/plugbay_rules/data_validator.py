"""The data validator that follows rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Check, Problem, Report, StackInfo


@component
class RulesDataValidator:
    """Check the columns of any dataframe by declared rules, and models by how far they are from the truth."""

    checks: list[dict[str, Any]] = field(factory=list)
    """The checks of a table when a step names none: each has kind, and may have column, arguments and name."""
    model_checks: list[dict[str, Any]] = field(factory=list)
    """The same for models."""

    @hookimpl
    def data_validator_profile(self, data: Any, reference: Any) -> Report:
        # Here and below imported when there are data.
        from plugbay_rules.columns import read_table
        from plugbay_rules.pages import page
        from plugbay_rules.profiles import metrics_of, profiles_of

        table = read_table(data)
        metrics = metrics_of(table, None if reference is None else read_table(reference))
        return Report(passed=True, metrics=metrics, html=page({}, metrics, profiles_of(table)))

    @hookimpl
    def data_validator_validate(self, data: Any, checks: Sequence[Check], reference: Any) -> Report:
        from plugbay_rules.columns import read_table
        from plugbay_rules.pages import page
        from plugbay_rules.rules import judge

        table = read_table(data)
        other = None if reference is None else read_table(reference)
        results = judge(table, checks or [Check(**each) for each in self.checks], other)
        metrics = {"rows": float(table.rows)}
        passed = all(result.passed for result in results.values())
        return Report(passed=passed, results=results, metrics=metrics, html=page(results, metrics))

    @hookimpl
    def data_validator_validate_model(self, data: Any, model: Any, checks: Sequence[Check], target: str) -> Report:
        from plugbay_rules.models import judge_model
        from plugbay_rules.pages import page

        results, metrics = judge_model(data, model, checks or [Check(**each) for each in self.model_checks], target)
        passed = all(result.passed for result in results.values())
        return Report(passed=passed, results=results, metrics=metrics, html=page(results, metrics))

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        from plugbay_rules import models, rules

        problems = []
        for setting, each, known in (
            *(("checks", each, rules.RULES) for each in self.checks),
            *(("model_checks", each, models.RULES) for each in self.model_checks),
        ):
            try:
                rules.refuse_unknown([Check(**each)], known)
            except (TypeError, ValueError) as error:
                problems.append(Problem(message=f"{setting}: {error}", remedy="see the README of plugbay-rules"))
        return problems
