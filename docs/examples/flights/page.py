"""The report: one HTML file that needs nothing beside it."""

from __future__ import annotations

import io
from base64 import b64encode
from html import escape
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

MODEL, BASELINE, INK = "#0b6e99", "#b8bfc6", "#1f2933"

PAGE = Template("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; color: #1f2933 }
  body { max-width: 56rem; margin: 2.5rem auto; padding: 0 1.25rem }
  h1 { font-size: 1.7rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
  p { margin: .4rem 0 } .lead, caption { color: #616e7c }
  dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .9rem; margin: 1.6rem 0 }
  dl div { background: #f3f6f8; border-radius: .5rem; padding: .8rem 1rem }
  dt { font-size: .85rem; color: #616e7c } dd { margin: 0; font-size: 1.6rem; font-weight: 600 }
  dd small { display: block; font-size: .85rem; font-weight: 400; color: #616e7c }
  table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
  caption { text-align: left; padding-bottom: .4rem }
  th, td { text-align: right; padding: .4rem .6rem; border-bottom: 1px solid #e4e7eb }
  th:first-child, td:first-child { text-align: left } tr.chosen { background: #e6f2f7; font-weight: 600 }
  img { width: 100%; height: auto }
</style>
<h1>$title</h1>
<p class="lead">$lead</p>
<dl>$facts</dl>
<h2>Where it helps</h2>
<img alt="Error by hour of the day, and actual delay by predicted delay" src="data:image/png;base64,$chart">
<h2>Candidates</h2>
<table>
<caption>Mean absolute error on the validation months, in minutes. The smallest is chosen.</caption>
$table
</table>
</html>
""")


def fact(label: str, value: str, note: str) -> str:
    """Return one figure of the head of the page."""
    return f"<div><dt>{escape(label)}</dt><dd>{escape(value)} <small>{escape(note)}</small></dd></div>"


def table_rows(head: Sequence[str], rows: Sequence[Sequence[str]], chosen: int) -> str:
    """Return the rows of a table; the one at ``chosen`` stands out."""
    lines = ["<tr>" + "".join(f"<th>{escape(cell)}</th>" for cell in head) + "</tr>"]
    for number, row in enumerate(rows):
        mark = ' class="chosen"' if number == chosen else ""
        lines.append(f"<tr{mark}>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>")
    return "\n".join(lines)


def page(*, title: str, lead: str, facts: Sequence[str], chart: bytes, table: str) -> str:
    """Return the page. ``chart`` is a PNG; ``facts`` and ``table`` are HTML, all else is text."""
    return PAGE.substitute(
        title=escape(title),
        lead=escape(lead),
        facts="".join(facts),
        chart=b64encode(chart).decode("ascii"),
        table=table,
    )


def draw(outcome: pd.DataFrame, baseline: float) -> bytes:
    """Draw the error over the day, and what became of flights that were predicted alike; return a PNG.

    :param outcome: one row per flight, with ``hour`` (local, scheduled) and, in minutes, ``predicted`` and ``actual``.
    :param baseline: the one number of minutes that the baseline predicts for every flight.
    """
    from matplotlib import rc_context, rcdefaults
    from matplotlib.figure import Figure  # not pyplot: no display, no global state

    with rc_context():
        rcdefaults()  # the page must not depend on the user's matplotlibrc
        figure = Figure(figsize=(11, 4.2), dpi=160, layout="constrained")
        left, right = figure.subplots(1, 2)

        errors = outcome.assign(
            model=(outcome["actual"] - outcome["predicted"]).abs(), baseline=(outcome["actual"] - baseline).abs()
        )
        by_hour = errors.groupby("hour")[["model", "baseline"]].mean()
        left.plot(by_hour.index, by_hour["baseline"], color=BASELINE, linewidth=2.5, label="median for every flight")
        left.plot(by_hour.index, by_hour["model"], color=MODEL, linewidth=2.5, label="model")
        left.set(title="Mean absolute error over the day", xlabel="scheduled hour of departure", ylabel="minutes")
        left.set_ylim(bottom=0)
        left.set_xticks(range(6, 24, 3))
        left.legend(frameon=False, loc="upper left")

        # Ten groups of one size by rank, so that equal predictions cannot leave a group empty.
        groups = outcome.groupby((outcome["predicted"].rank(method="first", pct=True) * 10).clip(upper=9.99) // 1)
        predicted, actual = groups["predicted"].median(), groups["actual"]
        low, high = actual.quantile(0.25), actual.quantile(0.75)
        right.fill_between(predicted, low, high, color=MODEL, alpha=0.18, linewidth=0, label="middle half of flights")
        right.plot(predicted, actual.median(), color=MODEL, linewidth=2.5, marker="o", label="median flight")
        right.plot(predicted, predicted, color=INK, linewidth=1, linestyle=":", label="as predicted")
        right.set(title="Flights in tenths, by prediction", xlabel="predicted minutes", ylabel="actual minutes late")
        right.legend(frameon=False, loc="upper left")

        for axes in (left, right):
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(axis="y", color="#e4e7eb")
            axes.set_axisbelow(True)
            axes.title.set(fontsize=11, color=INK)

        png = io.BytesIO()
        figure.savefig(png, format="png", metadata={"Software": None})
    return png.getvalue()
