"""Data validators that are right but for one thing; ``test_wrong_data_validators`` runs them through the contract."""

from __future__ import annotations

import html

import attrs
import pytest

from plugbay.testing.data_validator import DataValidatorContract
from plugbay_hookspecs import component, hookimpl
from plugbay_rules.data_validator import RulesDataValidator


@component
class Lenient(RulesDataValidator):
    """Leaves out checks that it does not know."""

    @hookimpl
    def data_validator_validate(self, data, checks, reference):
        known = [check for check in checks if check.kind != "no_such_check"]
        return super().data_validator_validate(data, known, reference)


@component
class Hurried(RulesDataValidator):
    """Stops at the first check that fails."""

    @hookimpl
    def data_validator_validate(self, data, checks, reference):
        report = super().data_validator_validate(data, checks, reference)
        results = {}
        for label, result in report.results.items():
            results[label] = result
            if not result.passed:
                break
        return attrs.evolve(report, results=results)


@component
class Unescaped(RulesDataValidator):
    """Draws pages with the texts of the table as they are."""

    @hookimpl
    def data_validator_validate(self, data, checks, reference):
        report = super().data_validator_validate(data, checks, reference)
        return attrs.evolve(report, html=html.unescape(report.html))


class _Contract(DataValidatorContract):
    flavor: type[RulesDataValidator]
    lacking = {"pyarrow": "one library less", "polars": "one library less"}

    @pytest.fixture
    def component(self) -> RulesDataValidator:
        return self.flavor()


class TestLenient(_Contract):
    flavor = Lenient


class TestHurried(_Contract):
    flavor = Hurried


class TestUnescaped(_Contract):
    flavor = Unescaped
