"""Draw a report as a page that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from plugbay_hookspecs.types import CheckResult
from plugbay_rules.profiles import Profile

_STYLE = """body{font:14px system-ui;margin:2em}table{border-collapse:collapse;margin:1em 0}
td,th{border:1px solid #ccc;padding:.3em .6em;text-align:left}.no{background:#fdd}.yes{background:#dfd}"""


def page(results: Mapping[str, CheckResult], metrics: Mapping[str, float], profiles: Sequence[Profile] = ()) -> str:
    """Draw what there is; all texts are escaped."""
    checked = [
        (label, "passed" if each.passed else "failed", each.message, _short(each.observed))
        for label, each in results.items()
    ]
    described = [
        (
            each.name,
            each.kind,
            each.count,
            each.distinct,
            ", ".join(f"{name} {value:g}" for name, value in each.numbers.items()),
            ", ".join(f"{value} ({count})" for value, count in each.top),
        )
        for each in profiles
    ]
    parts = [
        _table(("check", "result", "message", "observed"), checked),
        _table(("column", "type", "count", "distinct", "numbers", "most frequent"), described),
        _table(("metric", "value"), [(name, f"{value:g}") for name, value in metrics.items()]),
    ]
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Report</title><style>{_STYLE}</style>'
        f"<body>{''.join(parts)}</body></html>"
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in rows]
    return f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>{''.join(lines)}</table>" if lines else ""


def _cell(value: object) -> str:
    marks = {"passed": ' class="yes"', "failed": ' class="no"'}
    return f"<td{marks.get(str(value), '')}>{escape(str(value))}</td>"


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"
