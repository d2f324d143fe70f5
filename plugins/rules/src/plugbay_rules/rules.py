"""The rules for tables, by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from math import isfinite
from statistics import fmean, pstdev
from typing import Any

from attrs import field, frozen

from plugbay_hookspecs.types import Check, CheckResult
from plugbay_rules.columns import Column, Table, plain

_SHOWN = 5


class NotCheckableError(Exception):
    """These data do not have what the check is about."""


@frozen
class Rule:
    """What a check of a kind needs, and how it is made."""

    judge: Callable[[Table, Check, Table | None], CheckResult]
    needed: frozenset[str] = frozenset()
    """Arguments that must be there."""
    allowed: frozenset[str] = field(default=frozenset())
    """Arguments that may be there."""
    of_a_column: bool = True


def judge(table: Table, checks: Sequence[Check], reference: Table | None) -> dict[str, CheckResult]:
    """Make all checks; raise ``ValueError``, before any is made, for one that no rule knows or that lacks an argument."""
    refuse_unknown(checks, RULES)
    return labelled((check, _judge(table, check, reference)) for check in checks)


def refuse_unknown(checks: Sequence[Any], rules: Mapping[str, Rule]) -> None:
    """Raise ``ValueError`` for the first check that is not one of the rules, with what it needs."""
    for check in checks:
        if not isinstance(check, Check) or check.kind not in rules:
            msg = f"there is no check {getattr(check, 'kind', check)!r} (there are: {', '.join(rules)})"
            raise ValueError(msg)
        rule, given = rules[check.kind], set(check.arguments)
        if rule.of_a_column and check.column is None:
            msg = f"the check {check.kind!r} needs a column"
            raise ValueError(msg)
        if not rule.needed <= given <= rule.needed | rule.allowed or not (given or not rule.allowed):
            wanted = ", ".join(sorted(rule.needed | rule.allowed)) or "no arguments"
            msg = f"the check {check.label!r} takes {wanted}, not {', '.join(sorted(given)) or 'nothing'}"
            raise ValueError(msg)
        _refuse_wrong_arguments(check)


def labelled(results: Iterable[tuple[Check, CheckResult]]) -> dict[str, CheckResult]:
    """Results by their checks' labels; the second of one label is ``label_2``."""
    found: dict[str, CheckResult] = {}
    for check, result in results:
        label, number = check.label, 2
        while label in found:
            label, number = f"{check.label}_{number}", number + 1
        found[label] = result
    return found


def _refuse_wrong_arguments(check: Check) -> None:
    if check.kind == "matches":
        try:
            re.compile(str(check.arguments["pattern"]))
        except re.error as error:
            msg = f"the pattern of {check.label!r} is no regular expression: {error}"
            raise ValueError(msg) from error
    if check.kind == "dtype" and check.arguments["type"] not in ("boolean", "integer", "number", "text", "time"):
        msg = f"the type of {check.label!r} is one of boolean, integer, number, text and time"
        raise ValueError(msg)
    if check.kind == "is_in" and not isinstance(check.arguments["values"], list | tuple):
        msg = f"the values of {check.label!r} are a list"
        raise ValueError(msg)
    for name in ("at_most", "at_least"):
        if name in check.arguments and not isinstance(check.arguments[name], int | float):
            msg = f"{name} of {check.label!r} is a number"
            raise ValueError(msg)


def _judge(table: Table, check: Check, reference: Table | None) -> CheckResult:
    try:
        return RULES[check.kind].judge(table, check, reference)
    except NotCheckableError as error:
        return CheckResult(passed=False, column=check.column, message=str(error))
    except TypeError as error:
        return CheckResult(passed=False, column=check.column, message=f"the values have another type: {error}")


def _column(table: Table, name: str | None, where: str = "the table") -> Column:
    try:
        return table.columns[name or ""]
    except KeyError:
        msg = f"{where} has no column {name!r}"
        raise NotCheckableError(msg) from None


def _referred(reference: Table | None, name: str | None) -> Column:
    if reference is None:
        msg = "there is no reference to compare with"
        raise NotCheckableError(msg)
    return _column(reference, name, "the reference")


def _by_value(wrong: Callable[[Any, Mapping[str, Any]], bool]) -> Callable[[Table, Check, Table | None], CheckResult]:
    def of_column(table: Table, check: Check, reference: Table | None) -> CheckResult:
        values = _column(table, check.column).present
        found = [value for value in values if wrong(value, check.arguments)]
        return _rows(check, found, len(values))

    return of_column


def _rows(check: Check, wrong: Sequence[Any], checked: int) -> CheckResult:
    shown = [plain(value) for value in wrong[:_SHOWN]]
    told = ", ".join(f"{name} {value!r}" for name, value in check.arguments.items())
    message = f"{len(wrong)} of {checked} values are not {check.kind} {told}".rstrip() if wrong else ""
    return CheckResult(
        passed=not wrong, message=message, column=check.column, observed=shown, failed=len(wrong), checked=checked
    )


def _not_null(table: Table, check: Check, reference: Table | None) -> CheckResult:
    values = _column(table, check.column).values
    return _rows(check, [value for value in values if value is None], len(values))


def _unique(table: Table, check: Check, reference: Table | None) -> CheckResult:
    values = _column(table, check.column).present
    counts: dict[Hashable, int] = {}
    for value in values:
        counts[value] = counts.get(value, 0) + 1
    return _rows(check, [value for value in values if counts[value] > 1], len(values))


def _outside(value: Any, arguments: Mapping[str, Any]) -> bool:
    low, high = arguments.get("low"), arguments.get("high")
    if hasattr(value, "isoformat"):
        # Times are texts in settings.
        low, high = (type(value).fromisoformat(end) if isinstance(end, str) else end for end in (low, high))
    return (low is not None and value < low) or (high is not None and value > high)


def _matches(value: Any, arguments: Mapping[str, Any]) -> bool:
    return re.fullmatch(arguments["pattern"], value) is not None


def _dtype(table: Table, check: Check, reference: Table | None) -> CheckResult:
    found, wanted = _column(table, check.column).kind, check.arguments["type"]
    passed = found in ("empty", wanted) or (found == "integer" and wanted == "number")
    message = "" if passed else f"the values are {found}, not {wanted}"
    return CheckResult(passed=passed, message=message, column=check.column, observed=found)


def limited(check: Check, observed: float, what: str) -> CheckResult:
    """Compare a number with the check's limits."""
    low = check.arguments.get("low", check.arguments.get("at_least"))
    high = check.arguments.get("high", check.arguments.get("at_most"))
    too_low = low is not None and not observed >= low  # type: ignore[operator] # numbers, as a TypeError tells otherwise
    too_high = high is not None and not observed <= high  # type: ignore[operator]
    wanted = " and ".join(f"at {word} {limit}" for word, limit in (("least", low), ("most", high)) if limit is not None)
    message = f"{what} is {observed:g}, not {wanted}" if too_low or too_high else ""
    return CheckResult(passed=not (too_low or too_high), message=message, column=check.column, observed=plain(observed))


def _row_count(table: Table, check: Check, reference: Table | None) -> CheckResult:
    return limited(check, table.rows, "the number of rows")


def _missing_share(table: Table, check: Check, reference: Table | None) -> CheckResult:
    column = _column(table, check.column)
    return limited(check, missing_share(column), "the share of missing values")


def _mean_shift(table: Table, check: Check, reference: Table | None) -> CheckResult:
    shift = mean_shift(_column(table, check.column), _referred(reference, check.column))
    return limited(check, shift, "the shift of the mean, in standard deviations of the reference,")


def _no_new_categories(table: Table, check: Check, reference: Table | None) -> CheckResult:
    known = set(_referred(reference, check.column).present)
    values = _column(table, check.column).present
    wrong = [value for value in values if value not in known]
    result = _rows(check, sorted(set(wrong), key=str), len(values))
    message = f"not in the reference: {', '.join(map(str, result.observed))}" if wrong else ""  # type: ignore[call-overload]
    return CheckResult(
        passed=not wrong,
        message=message,
        column=check.column,
        observed=result.observed,
        failed=len(wrong),
        checked=len(values),
    )


def missing_share(column: Column) -> float:
    """The share of missing values; none of none are missing."""
    return 1 - len(column.present) / len(column.values) if column.values else 0.0


def mean_shift(column: Column, reference: Column) -> float:
    """How far the mean is from the reference's, in standard deviations of the reference."""
    for each, where in ((column, "the table"), (reference, "the reference")):
        if each.kind not in ("integer", "number"):
            msg = f"{where} has no numbers in {each.name!r}: the values are {each.kind}"
            raise NotCheckableError(msg)
        if not all(map(isfinite, each.present)):
            msg = f"{where} has infinite numbers in {each.name!r}"
            raise NotCheckableError(msg)
    shift, spread = abs(fmean(column.present) - fmean(reference.present)), pstdev(reference.present)
    return shift / spread if spread else (float("inf") if shift else 0.0)


_AT_MOST = frozenset({"at_most"})
_ENDS = frozenset({"low", "high"})
RULES: Mapping[str, Rule] = {
    "not_null": Rule(_not_null),
    "unique": Rule(_unique),
    "between": Rule(_by_value(_outside), allowed=_ENDS),
    "is_in": Rule(_by_value(lambda value, arguments: value not in arguments["values"]), frozenset({"values"})),
    "matches": Rule(_by_value(lambda value, arguments: not _matches(value, arguments)), frozenset({"pattern"})),
    "dtype": Rule(_dtype, frozenset({"type"})),
    "row_count": Rule(_row_count, allowed=_ENDS, of_a_column=False),
    "missing_share": Rule(_missing_share, _AT_MOST),
    "mean_shift": Rule(_mean_shift, _AT_MOST),
    "no_new_categories": Rule(_no_new_categories),
}
