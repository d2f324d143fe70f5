"""A data validator with a handful of checks and no tool."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plugbay.testing.fakes.tables import Columns, columns_of, table_like
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Check, CheckResult, Report


@component
class FakeDataValidator:
    """Knows the checks ``not_null``, ``unique``, ``between`` (``low``, ``high``) and, of models, ``accuracy`` (``at_least``)."""

    @hookimpl
    def data_validator_profile(self, data: Any) -> Report:
        columns = columns_of(data)
        missing = {f"missing[{name}]": float(values.count(None)) for name, values in columns.items()}
        return Report(passed=True, metrics={"rows": float(_height(columns)), **missing})

    @hookimpl
    def data_validator_validate(self, data: Any, checks: Sequence[Check | Any]) -> Report:
        columns = columns_of(data)
        return _report(checks, _OF_TABLES, lambda check, judge: judge(_values(columns, check), check))

    @hookimpl
    def data_validator_validate_model(
        self, data: Any, model: Any, checks: Sequence[Check | Any], target: str
    ) -> Report:
        columns = columns_of(data)
        truth = columns.pop(target)
        predicted = list(model.predict(table_like(data, columns)))
        return _report(checks, _OF_MODELS, lambda check, judge: judge(truth, predicted, check))


def _report(
    checks: Sequence[Check | Any], known: Mapping[str, Any], judged: Callable[[Check, Any], CheckResult]
) -> Report:
    for check in checks:
        if not isinstance(check, Check) or check.kind not in known:
            kind = check.kind if isinstance(check, Check) else type(check).__qualname__
            msg = f"there is no check {kind!r}, only {', '.join(known)}"
            raise ValueError(msg)
    results: dict[str, CheckResult] = {}
    for check in checks:
        label, number = check.label, 1
        while label in results:
            number += 1
            label = f"{check.label}_{number}"
        try:
            results[label] = judged(check, known[check.kind])
        except (TypeError, LookupError) as error:  # these data cannot be checked so
            results[label] = CheckResult(passed=False, message=f"{check.label}: {error}", column=check.column)
    return Report(passed=all(result.passed for result in results.values()), results=results)


def _values(columns: Columns, check: Check) -> list[Any]:
    if check.column not in columns:
        msg = f"there is no column {check.column!r}"
        raise LookupError(msg)
    return columns[check.column]


def _result(check: Check, bad: Sequence[Any], checked: int) -> CheckResult:
    message = f"{len(bad)} of {checked} values are not {check.kind.replace('_', ' ')}" if bad else ""
    return CheckResult(passed=not bad, message=message, column=check.column, failed=len(bad), checked=checked)


def _not_null(values: list[Any], check: Check) -> CheckResult:
    return _result(check, [value for value in values if value is None], len(values))


def _unique(values: list[Any], check: Check) -> CheckResult:
    known = [value for value in values if value is not None]
    return _result(check, [value for value in known if known.count(value) > 1], len(values))


def _between(values: list[Any], check: Check) -> CheckResult:
    low, high = check.arguments["low"], check.arguments["high"]
    return _result(check, [value for value in values if value is not None and not low <= value <= high], len(values))


def _accuracy(truth: list[Any], predicted: list[Any], check: Check) -> CheckResult:
    share = sum(map(lambda a, b: bool(a == b), truth, predicted)) / max(1, len(truth))
    passed = share >= float(str(check.arguments["at_least"]))
    message = "" if passed else f"the accuracy is {share:g}, less than {check.arguments['at_least']}"
    return CheckResult(passed=passed, message=message, observed=share)


def _height(columns: Columns) -> int:
    return max(map(len, columns.values()), default=0)


_OF_TABLES = {"not_null": _not_null, "unique": _unique, "between": _between}
_OF_MODELS = {"accuracy": _accuracy}
