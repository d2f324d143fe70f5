"""Hooks of a data validator: is this table, is this model, what it should be? A stack has any number, addressed by name.

A *dataframe* is one of any library that supports the dataframe interchange protocol / narwhals. The host keeps a report
as an artifact of the step that asked for it; a step may declare that a report that has not passed fails it. A check that
the tool does not know raises ``ValueError``; one that cannot be made of these data (a column is missing, a type is wrong)
is a result that has not passed, and its message says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Check, Report


@hookspec(firstresult=True)
def data_validator_profile(data: Any, reference: Any) -> Report:
    """Describe a table, without a verdict.

    Called in any process that has the stack, mostly in the one that executes a step.

    :param data: a dataframe (any library that supports the dataframe interchange protocol / narwhals).
    :param reference: another one with the same columns, to describe how they differ; ``None`` for none.
    :returns: a report with metrics and no results, which has passed; ``None`` when the tool draws no profiles.

    .. code-block:: python

        from typing import Any

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Report


        @component
        class Missing:
            '''Counts rows and the share of missing values of each column.'''

            @hookimpl
            def data_validator_profile(self, data: Any) -> Report:
                import narwhals

                table = narwhals.from_native(data, eager_only=True)
                missing = {column.name: float(column.is_null().mean()) for column in table.iter_columns()}
                shares = {f"missing_share[{name}]": share for name, share in missing.items()}
                return Report(passed=True, metrics={"rows": float(len(table)), **shares})

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
@required
def data_validator_validate(data: Any, checks: Sequence[Check | Any], reference: Any) -> Report:
    """Check a table.

    Called in any process that has the stack, mostly in the one that executes a step. Every check is made, whatever came
    of the others.

    :param data: a dataframe (any library that supports the dataframe interchange protocol / narwhals).
    :param checks: each a ``Check`` or an object of the tool itself (a schema, a suite, a test); empty for the checks that
        the component's settings name.
    :param reference: a dataframe with the same columns that some checks compare with; ``None`` for none.
    :returns: the report, with a result for each check.

    .. code-block:: python

        from collections.abc import Sequence
        from typing import Any

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Check, CheckResult, Report


        @component
        class Rules:
            '''Checks columns of any dataframe: not_null, unique, and between with a low and a high.'''

            @hookimpl
            def data_validator_validate(self, data: Any, checks: Sequence[Check]) -> Report:
                import narwhals

                table = narwhals.from_native(data, eager_only=True)
                results = {check.label: self._result(table, check) for check in checks}
                return Report(passed=all(result.passed for result in results.values()), results=results)

            def _result(self, table: Any, check: Check) -> CheckResult:
                if check.column not in table.columns:
                    return CheckResult(passed=False, column=check.column, message="there is no such column")
                column = table[check.column]
                if check.kind == "not_null":
                    wrong = column.is_null()
                elif check.kind == "unique":
                    wrong = column.is_duplicated()
                elif check.kind == "between":
                    low, high = check.arguments["low"], check.arguments["high"]
                    wrong = ~column.is_between(low, high) & ~column.is_null()
                else:
                    msg = f"there is no check {check.kind!r} (there are: not_null, unique, between)"
                    raise ValueError(msg)
                failed = int(wrong.sum())
                message = f"{failed} of {len(column)} values are wrong" if failed else ""
                values = column.filter(wrong).head(5).to_list()
                return CheckResult(
                    passed=not failed,
                    message=message,
                    column=check.column,
                    observed=values,
                    failed=failed,
                    checked=len(column),
                )

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def data_validator_validate_model(
    data: Any, model: Any, checks: Sequence[Check | Any], reference: Any, target: str
) -> Report:
    """Check how well a model predicts.

    Called in any process that has the stack, mostly in the one that executes a step. Every check is made, whatever came
    of the others. What the model raises is raised.

    :param data: a dataframe (any library that supports the dataframe interchange protocol / narwhals) with the column
        that the model predicts and those that it predicts from.
    :param model: has ``predict``, which takes a dataframe without that column, of the same library, and returns one
        prediction for each row.
    :param checks: each a ``Check`` or an object of the tool itself; empty for the checks that the settings name.
    :param reference: a dataframe with the same columns that some checks compare with; ``None`` for none.
    :param target: the name of the column that the model predicts.
    :returns: the report, with a result for each check; ``None`` when the tool checks tables only.

    .. code-block:: python

        from collections.abc import Sequence
        from typing import Any

        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Check, CheckResult, Report


        @component
        class Accuracy:
            '''Checks the share of right predictions: the check accuracy with at_least.'''

            at_least: float = 0.9

            @hookimpl
            def data_validator_validate_model(
                self, data: Any, model: Any, checks: Sequence[Check], target: str
            ) -> Report:
                import narwhals

                table = narwhals.from_native(data, eager_only=True)
                truth = table[target].to_list()
                predicted = list(model.predict(table.drop(target).to_native()))
                share = sum(a == b for a, b in zip(truth, predicted, strict=True)) / max(len(truth), 1)
                default = Check(kind="accuracy", arguments={"at_least": self.at_least})
                results = {check.label: self._result(check, share) for check in checks or [default]}
                passed = all(result.passed for result in results.values())
                return Report(passed=passed, results=results, metrics={"accuracy": share})

            def _result(self, check: Check, share: float) -> CheckResult:
                if check.kind != "accuracy":
                    msg = f"there is no check {check.kind!r} (there is: accuracy)"
                    raise ValueError(msg)
                wanted = check.arguments.get("at_least", self.at_least)
                assert isinstance(wanted, float)
                return CheckResult(passed=share >= wanted, message=f"{share:.1%} are right", observed=share)

    .. versionadded:: 0.1
    """
    raise NotImplementedError
