"""The rules for models: how far predictions are from the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from statistics import fmean
from typing import Any

from plugbay_hookspecs.types import Check, CheckResult
from plugbay_rules.columns import eager, plain, read_table
from plugbay_rules.rules import Rule, labelled, limited, refuse_unknown

_WORDS = {"mae": "at_most", "rmse": "at_most", "accuracy": "at_least"}


def judge_model(
    data: Any, model: Any, checks: Sequence[Check], target: str
) -> tuple[dict[str, CheckResult], dict[str, float]]:
    """Predict, measure and compare; rows without a truth do not count. Raises what the model raises."""
    refuse_unknown(checks, RULES)
    frame = eager(data)
    if target not in frame.columns:
        message = f"the table has no column {target!r}"
        return labelled((check, CheckResult(passed=False, column=target, message=message)) for check in checks), {}
    truth = read_table(data).columns[target].values
    predicted = list(model.predict(frame.drop(target).to_native())) if truth else []
    predicted = [each.as_py() if hasattr(each, "as_py") else each for each in predicted]
    if len(predicted) != len(truth):
        msg = f"the model predicted {len(predicted)} values for {len(truth)} rows"
        raise ValueError(msg)
    measured = _measured([(a, b) for a, b in zip(truth, predicted, strict=True) if a is not None])
    return labelled((check, _judge(check, measured)) for check in checks), measured


def _measured(pairs: Sequence[tuple[Any, Any]]) -> dict[str, float]:
    if not pairs:
        return {}
    measured = {"accuracy": fmean(float(a == b) for a, b in pairs)}
    try:
        errors = [abs(float(a) - float(b)) for a, b in pairs if not isinstance(a, str)]
    except (TypeError, ValueError):
        return measured
    if errors:
        measured |= {"mae": fmean(errors), "rmse": sqrt(fmean(error * error for error in errors))}
    return measured


def _judge(check: Check, measured: Mapping[str, float]) -> CheckResult:
    if check.kind not in measured:
        return CheckResult(passed=False, message=f"there are no predictions to measure {check.kind} of")
    result = limited(check, measured[check.kind], check.kind)
    return CheckResult(passed=result.passed, message=result.message, observed=plain(measured[check.kind]))


RULES: Mapping[str, Rule] = {
    kind: Rule(lambda *_: CheckResult(passed=False), frozenset({word}), of_a_column=False)
    for kind, word in _WORDS.items()
}
