from __future__ import annotations

import datetime
import math
import subprocess
import sys
from typing import Any

import attrs
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from plugbay.testing.data_validator import DataValidatorContract
from plugbay_hookspecs.types import Check, CheckResult, Report, StackInfo
from plugbay_rules.data_validator import RulesDataValidator

COLUMNS = {
    "whole": [1, 2, None, 10],
    "number": [0.5, 1.5, 2.5, None],
    "text": ["a", "b", None, "a"],
    "day": [datetime.date(2026, 1, each) for each in (1, 2, 3, 4)],
    "flag": [True, False, True, True],
}
REFERENCE = {**COLUMNS, "whole": [1, 2, 3, 4], "text": ["a", "a", "a", "c"]}


def frames(columns: dict[str, list[Any]]) -> list[Any]:
    return [pd.DataFrame(columns), pl.DataFrame(columns), pl.LazyFrame(columns), pa.table(columns)]


def result(kind: str, column: str | None = None, **arguments: object) -> CheckResult:
    check = Check(kind=kind, column=column, arguments=arguments)
    reports = [
        RulesDataValidator().data_validator_validate(data, [check], reference)
        for data, reference in zip(frames(COLUMNS), frames(REFERENCE), strict=True)
    ]
    assert all(attrs.asdict(report) == attrs.asdict(reports[0]) for report in reports)
    return reports[0].results[check.label]


class TestRulesDataValidator(DataValidatorContract):
    @pytest.fixture
    def component(self) -> RulesDataValidator:
        return RulesDataValidator()


@pytest.mark.parametrize(
    ("kind", "column", "arguments", "observed"),
    [
        ("unique", "text", {}, ["a", "a"]),
        ("not_null", "whole", {}, [None]),
        ("between", "whole", {"high": 2}, [10]),
        ("between", "day", {"low": "2026-01-02", "high": "2026-01-03"}, ["2026-01-01", "2026-01-04"]),
        ("is_in", "text", {"values": ["a"]}, ["b"]),
        ("matches", "text", {"pattern": "[^b]"}, ["b"]),
        ("dtype", "number", {"type": "integer"}, "number"),
        ("row_count", None, {"high": 3}, 4),
        ("missing_share", "text", {"at_most": 0.2}, 0.25),
        ("mean_shift", "whole", {"at_most": 1}, pytest.approx((13 / 3 - 2.5) / math.sqrt(1.25))),
        ("no_new_categories", "text", {}, ["b"]),
    ],
)
def test_a_rule_tells_what_breaks_it(kind: str, column: str | None, arguments: dict[str, Any], observed: Any) -> None:
    found = result(kind, column, **arguments)
    assert not found.passed
    assert found.message
    assert found.observed == observed


@pytest.mark.parametrize(
    ("kind", "column", "arguments"),
    [
        ("unique", "whole", {}),
        ("between", "whole", {"low": 1, "high": 10}),
        ("is_in", "text", {"values": ["a", "b"]}),
        ("matches", "text", {"pattern": "[ab]"}),
        ("dtype", "whole", {"type": "integer"}),
        ("dtype", "whole", {"type": "number"}),
        ("dtype", "day", {"type": "time"}),
        ("dtype", "flag", {"type": "boolean"}),
        ("row_count", None, {"low": 4, "high": 4}),
        ("missing_share", "text", {"at_most": 0.25}),
        ("mean_shift", "number", {"at_most": 0}),
        ("no_new_categories", "flag", {}),
    ],
)
def test_a_rule_that_is_kept_passes(kind: str, column: str | None, arguments: dict[str, Any]) -> None:
    assert result(kind, column, **arguments).passed


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (Check(kind="betwen", column="whole"), "there is no check 'betwen'"),
        (Check(kind="between", column="whole"), "takes high, low, not nothing"),
        (Check(kind="between", arguments={"low": 1}), "needs a column"),
        (Check(kind="matches", column="text", arguments={"pattern": "("}), "no regular expression"),
        (Check(kind="dtype", column="text", arguments={"type": "int64"}), "one of boolean"),
        (Check(kind="missing_share", column="text", arguments={"at_most": "few"}), "is a number"),
    ],
)
def test_a_wrong_check_is_refused_before_any_is_made(check: Check, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        RulesDataValidator().data_validator_validate(pd.DataFrame(COLUMNS), [check], None)
    settings = RulesDataValidator(checks=[attrs.asdict(check)])
    (problem,) = settings.component_validate(StackInfo(name="s", components=()))
    assert "checks: " in problem.message


def test_the_settings_name_checks() -> None:
    validator = RulesDataValidator(
        checks=[{"kind": "not_null", "column": "text"}], model_checks=[{"kind": "mae", "arguments": {"at_most": 1}}]
    )
    assert validator.component_validate(StackInfo(name="s", components=())) == []
    assert list(validator.data_validator_validate(pl.DataFrame(COLUMNS), [], None).results) == ["not_null[text]"]


def test_a_profile_is_the_same_in_every_library() -> None:
    validator = RulesDataValidator()
    reports: list[Report] = [
        validator.data_validator_profile(data, reference)
        for data, reference in zip(frames(COLUMNS), frames(REFERENCE), strict=True)
    ]
    assert all(attrs.asdict(report) == attrs.asdict(reports[0]) for report in reports)
    metrics = reports[0].metrics
    assert (metrics["rows"], metrics["missing_share[text]"], metrics["distinct[text]"]) == (4, 0.25, 2)
    assert (metrics["min[number]"], metrics["q50[number]"], metrics["mean[number]"]) == (0.5, 1.5, 1.5)
    assert metrics["new_categories[text]"] == 1
    assert "a (2)" in (reports[0].html or "")


def test_nan_is_missing_and_infinity_is_not() -> None:
    for data in frames({"x": [math.nan, math.inf, 1.0]}):
        report = RulesDataValidator().data_validator_validate(
            data,
            [Check(kind="not_null", column="x"), Check(kind="mean_shift", column="x", arguments={"at_most": 1})],
            data,
        )
        missing, shift = report.results.values()
        assert missing.failed == 1
        assert "infinite" in shift.message


def test_errors_of_a_model_are_measured() -> None:
    class Model:
        def predict(self, table: Any) -> list[float]:
            return [1.0, 2.0, 7.0]

    checks = [Check(kind=kind, arguments={"at_most": 2.5}) for kind in ("mae", "rmse")]
    for data in frames({"x": [1, 2, 3], "y": [1.0, 4.0, 3.0]}):
        report = RulesDataValidator().data_validator_validate_model(data, Model(), checks, "y")
        assert [each.passed for each in report.results.values()] == [True, False]
        assert report.metrics["mae"] == 2.0
        assert report.metrics["rmse"] == pytest.approx(math.sqrt(20 / 3))


def test_a_description_imports_no_library() -> None:
    code = """
import sys
from plugbay_rules.data_validator import RulesDataValidator
RulesDataValidator().component_validate(None)
assert not {"narwhals", "pandas", "polars", "pyarrow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
