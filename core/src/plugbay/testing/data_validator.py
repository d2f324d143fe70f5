"""What every data validator does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from attrs import frozen

from plugbay.testing.component import ComponentContract
from plugbay_hookspecs.types import Check, Report

HOSTILE_COLUMNS = ("ü 日本 🎈", "<script>alert(1)</script>", "a b'\"`;--", "{{ 7 * 7 }}", "")
ROWS: Mapping[str, list[Any]] = {"n": [1.0, 2.0, None, 4.0], "s": ["a", "b", "b", None]}
CLEAN: Mapping[str, list[Any]] = {"n": [1.0, 2.0, 3.0], "s": ["a", "b", "c"]}


def _frame(library: str, columns: Mapping[str, Sequence[Any]]) -> Any:
    module = pytest.importorskip(library)
    return module.table(dict(columns)) if library == "pyarrow" else module.DataFrame(dict(columns))


def _columns(frame: Any) -> str:
    return repr(frame.to_pydict() if hasattr(frame, "to_pydict") else frame.to_dict())


@frozen
class ValidatorHooks:
    """The hooks of a data validator, with the usual arguments left out."""

    hooks: Any

    def validate(self, data: Any, *checks: Any, reference: Any = None) -> Report:
        """Check a table."""
        report: Report = self.hooks.data_validator_validate(data=data, checks=checks, reference=reference)
        _sound(report)
        return report

    def profile(self, data: Any, reference: Any = None) -> Report:
        """Describe a table."""
        report: Report = self.hooks.data_validator_profile(data=data, reference=reference)
        _sound(report)
        return report

    def validate_model(self, data: Any, model: Any, *checks: Any) -> Report:
        """Check a model that predicts the column ``y``."""
        report: Report = self.hooks.data_validator_validate_model(
            data=data, model=model, checks=checks, reference=None, target="y"
        )
        _sound(report)
        return report


def _sound(report: Report) -> None:
    failed = [label for label, result in report.results.items() if not result.passed]
    assert report.passed == (not failed), f"passed is {report.passed}, and failed are {failed}"
    for label, result in report.results.items():
        assert type(result.passed) is bool, f"{label}: passed is {result.passed!r}, not a bool"
        assert result.passed or result.message, f"{label} failed and does not say why"
        for count in (result.failed, result.checked):
            assert count is None or type(count) is int, f"{label}: {count!r} is no count of rows"
        json.dumps(result.observed)
    assert all(type(value) is float for value in report.metrics.values()), f"not all floats: {report.metrics}"


@frozen
class _Model:
    """Predicts what it is told, and keeps what it was asked."""

    answers: Any
    asked: list[Any]

    def predict(self, table: Any) -> Any:
        self.asked.append(table)
        if isinstance(self.answers, Exception):
            raise self.answers
        return self.answers


class DataValidatorContract(ComponentContract):
    """Tests of a data validator. A subclass overrides the fixture ``component``, and the checks that it calls otherwise."""

    component_type = "data_validator"
    capabilities = frozenset({"pandas", "polars", "pyarrow", "profile", "models", "unique", "between"})
    libraries: ClassVar[tuple[str, ...]] = ("pandas", "polars", "pyarrow")

    def not_null(self, column: str) -> Any:
        """The tool's check that no value is missing."""
        return Check(kind="not_null", column=column)

    def unique(self, column: str) -> Any:
        """The tool's check that no value comes twice."""
        return Check(kind="unique", column=column)

    def between(self, column: str, low: float, high: float) -> Any:
        """The tool's check that values lie in a range, both ends included."""
        return Check(kind="between", column=column, arguments={"low": low, "high": high})

    def accuracy(self, at_least: float) -> Any:
        """The tool's check that a share of predictions is right."""
        return Check(kind="accuracy", arguments={"at_least": at_least})

    @pytest.fixture
    def validator(self, hooks: Any) -> ValidatorHooks:
        """The hooks by shorter names."""
        return ValidatorHooks(hooks)

    @pytest.fixture(params=libraries)
    def library(self, request: pytest.FixtureRequest) -> str:
        """Each library of dataframes that the flavor takes."""
        name: str = request.param
        self.need(name)
        pytest.importorskip(name)
        return name

    def test_a_clean_table_passes(self, validator: ValidatorHooks, library: str) -> None:
        report = validator.validate(_frame(library, CLEAN), self.not_null("n"), self.not_null("s"))
        assert report.passed, report
        assert len(report.results) == 2

    def test_what_is_missing_is_found_and_counted(self, validator: ValidatorHooks, library: str) -> None:
        report = validator.validate(_frame(library, ROWS), self.not_null("n"), self.not_null("s"))
        for result in report.results.values():
            assert not result.passed, "a missing value was not found"
            assert result.failed in (1, None), f"failed is {result.failed}, and one value is missing"
            assert result.checked in (4, None), f"checked is {result.checked}, and there are four rows"

    def test_values_that_come_twice_are_found(self, validator: ValidatorHooks, library: str) -> None:
        self.need("unique")
        assert validator.validate(_frame(library, CLEAN), self.unique("s")).passed
        assert not validator.validate(_frame(library, ROWS), self.unique("s")).passed

    def test_the_ends_of_a_range_are_inside(self, validator: ValidatorHooks, library: str) -> None:
        self.need("between")
        assert validator.validate(_frame(library, CLEAN), self.between("n", 1, 3)).passed, "an end is outside"
        assert not validator.validate(_frame(library, CLEAN), self.between("n", 1.5, 3)).passed
        assert not validator.validate(_frame(library, CLEAN), self.between("n", 1, 2.5)).passed

    def test_every_check_is_made_whatever_came_of_the_others(self, validator: ValidatorHooks, library: str) -> None:
        checks = [self.not_null("missing"), self.not_null("n"), self.not_null("s")]
        report = validator.validate(_frame(library, {**CLEAN, "n": ROWS["n"][:3]}), *checks)
        passed = [result.passed for result in report.results.values()]
        assert sorted(passed) == [False, False, True], f"not three checks, of which one passed: {report.results}"

    def test_a_column_that_is_missing_fails_the_check(self, validator: ValidatorHooks, library: str) -> None:
        (result,) = validator.validate(_frame(library, CLEAN), self.not_null("missing")).results.values()
        assert not result.passed
        assert "missing" in result.message, "the message does not name the column"

    def test_values_of_another_type_fail_the_check(self, validator: ValidatorHooks, library: str) -> None:
        self.need("between")
        (result,) = validator.validate(_frame(library, CLEAN), self.between("s", 1, 3)).results.values()
        assert not result.passed

    def test_a_check_that_is_unknown_is_refused(self, validator: ValidatorHooks, library: str) -> None:
        with pytest.raises(ValueError, match="no_such_check"):
            validator.validate(_frame(library, CLEAN), Check(kind="no_such_check", column="n"))

    def test_checks_of_one_label_have_each_a_result(self, validator: ValidatorHooks, library: str) -> None:
        check = self.not_null("n")
        report = validator.validate(_frame(library, CLEAN), check, check, check)
        assert len(report.results) == 3, f"results are lost: {list(report.results)}"
        if isinstance(check, Check):
            assert list(report.results) == [check.label, f"{check.label}_2", f"{check.label}_3"]

    def test_an_empty_table_is_no_error(self, validator: ValidatorHooks, library: str) -> None:
        empty = _frame(library, CLEAN)[:0]
        report = validator.validate(empty, self.not_null("n"), self.not_null("s"))
        assert report.passed, "no value of none is missing"
        assert all(result.failed in (0, None) for result in report.results.values())
        if "profile" not in self.lacking:
            validator.profile(empty)
            validator.profile(empty, _frame(library, CLEAN))

    def test_columns_have_any_name_and_pages_are_harmless(self, validator: ValidatorHooks, library: str) -> None:
        columns = {name: ["<script>alert(2)</script>", None] for name in HOSTILE_COLUMNS}
        reports = [validator.validate(_frame(library, columns), *map(self.not_null, HOSTILE_COLUMNS))]
        assert len(reports[0].results) == len(HOSTILE_COLUMNS)
        if "profile" not in self.lacking:
            reports.append(validator.profile(_frame(library, columns)))
        for report in reports:
            assert "<script>alert(" not in (report.html or ""), "the page runs what is in the table"

    def test_the_table_is_left_as_it_was(self, validator: ValidatorHooks, library: str) -> None:
        data = _frame(library, ROWS)
        before = _columns(data)
        validator.validate(data, self.not_null("n"), self.not_null("s"))
        assert _columns(data) == before, "the table was changed"

    def test_every_library_gets_the_same_verdict(self, validator: ValidatorHooks) -> None:
        found = {
            library: validator.validate(_frame(library, ROWS), self.not_null("n"), self.not_null("s"))
            for library in self.libraries
            if library not in self.lacking
        }
        verdicts = {tuple((key, each.passed) for key, each in report.results.items()) for report in found.values()}
        assert len(verdicts) <= 1, f"the verdict depends on the library: {found}"

    def test_threads_do_not_disturb_each_other(self, validator: ValidatorHooks, library: str) -> None:
        tables = [_frame(library, ROWS), _frame(library, CLEAN)] * 4
        with ThreadPoolExecutor(4) as threads:
            passed = list(threads.map(lambda table: validator.validate(table, self.not_null("n")).passed, tables))
        assert passed == [False, True] * 4

    def test_a_profile_has_metrics_and_no_verdict(self, validator: ValidatorHooks, library: str) -> None:
        self.need("profile")
        for reference in (None, _frame(library, CLEAN)):
            report = validator.profile(_frame(library, ROWS), reference)
            assert report.metrics, "a profile without metrics"
            assert report.passed
            assert not report.results, "a profile has a verdict"

    def test_a_model_predicts_from_the_other_columns(self, validator: ValidatorHooks, library: str) -> None:
        self.need("models")
        data = _frame(library, {"x": [1, 2, 3, 4], "y": [1, 0, 1, 0]})
        model = _Model([1, 0, 1, 1], [])
        assert validator.validate_model(data, model, self.accuracy(0.75)).passed
        assert not validator.validate_model(data, model, self.accuracy(0.8)).passed
        for asked in model.asked:
            assert type(asked) is type(data), f"the model was given {type(asked)}"
            assert "y" not in getattr(asked, "column_names", asked.columns), "the model was given what it predicts"

    def test_what_the_model_raises_is_raised(self, validator: ValidatorHooks, library: str) -> None:
        self.need("models")
        data = _frame(library, {"x": [1], "y": [1]})
        with pytest.raises(ZeroDivisionError, match="broken"):
            validator.validate_model(data, _Model(ZeroDivisionError("broken"), []), self.accuracy(0.5))

    def test_what_is_lacking_answers_nothing(self, hooks: Any) -> None:
        library = next(each for each in self.libraries if each not in self.lacking)
        report = hooks.data_validator_profile(data=_frame(library, CLEAN), reference=None)
        assert (report is None) == ("profile" in self.lacking)
