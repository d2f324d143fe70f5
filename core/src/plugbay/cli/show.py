"""Show a run: its steps, what became of them, outputs, parameters, metrics."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plugbay.cli.described import attempts_of, call_counts, run_tree, status_of, step_tree
from plugbay.cli.parsing import add_json, add_run, add_stack
from plugbay.cli.terminal import Style, cut, say, say_json, say_table, stdout_style
from plugbay.cli.wording import ago, counted, duration, first_line, moment, printable, short, size, tally

if TYPE_CHECKING:
    from plugbay.history.progress import StepProgress
    from plugbay.history.run import ArtifactView, Run, StepRun
    from plugbay_hookspecs.types import Artifact, ErrorInfo

_LONGEST_VALUE = 60
_CALLS = 10
"""Of a mapped step that are shown with the run."""
_DIGEST = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_run(parser)
    parser.add_argument("step", nargs="?", metavar="STEP", help="only this step; of a mapped one, all its calls")
    add_stack(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.history.queries import get_run, reader_of

    reader = reader_of(arguments.stack)
    with reader.access():
        found = get_run(arguments.run_id, stack=reader.stack)
        step = None if arguments.step is None else found[arguments.step]
        if arguments.json:
            say_json(run_tree(found) if step is None else step_tree(step))
        elif step is not None:
            _show_step(step, len(step.id), stdout_style(), most=None)
        else:
            _show(found, stdout_style())
    return 0


def _show(run: Run, style: Style) -> None:
    say(f"{style.bold(run.pipeline)} {style.status(run.status)}: run {run.id}")
    _fact(style, "stack", run.stack)
    _fact(style, "started", f"{moment(run.record.created)} ({ago(run.record.created)})")
    if run.seconds is not None:
        pauses = ", from its beginning to its end: it was resumed" if run.resumed else ""
        _fact(style, "took", f"{duration(run.seconds)}{pauses}")
    for name, value in run.plan.parameters.items():
        _fact(style, name, cut(json.dumps(value, ensure_ascii=False), _LONGEST_VALUE))
    if run.error is not None and run.status == "failed":
        where = f"step {run.failed_step}: " if run.failed_step else ""
        _fact(style, "error", style.red(printable(f"{where}{run.error}")))
        _show_traceback(run.error, "  ")
    say()
    steps = run.steps
    width = max(len(step.id) for step in steps)
    for step in steps:
        _show_step(step, width, style, most=_CALLS)
    if run.status not in ("succeeded", "running"):
        say(style.dim(f"\ngo on with it: plugbay run --resume {short(run.id)}"))


def _fact(style: Style, name: str, value: str) -> None:
    say(f"  {style.dim(f'{name:<9}')} {value}")


def _show_step(step: StepRun, width: int, style: Style, *, most: int | None) -> None:
    status = status_of(step) or "not run"
    told = style.status(status, f"{status:<9}")
    notes = [duration(step.seconds)] if step.summary is not None and step.status != "skipped" else []
    if attempts_of(step) > 1:
        notes.append(counted(attempts_of(step), "attempt"))
    count = len(step.calls) + step.unnamed_calls
    if count:
        counts = call_counts(step)
        calls = counted(count, "call")
        notes.append(calls if len(counts) == 1 else f"{calls}: {tally(counts)}")
    if step.source is not None:
        notes.append(f"from run {short(step.source.run_id)}")
    notes += _of_progress(step.progress)
    if step.summary is not None and step.summary.reason:
        notes.append(step.summary.reason)
    if step.status == "failed" and step.error is not None:
        notes.append(first_line(str(step.error)))
    say(f"{step.id:<{width}}  {told}  {printable(', '.join(notes))}".rstrip())
    indent = " " * (width + 2)
    for name, view in step.outputs.items():
        say(f"{indent}{_output(name, view, style, mapped=step.mapped)}")
    if step.image is not None:
        say(f"{indent}{style.dim('image')} {printable(step.image.reference)}")
    if step.params:
        say(f"{indent}{style.dim('params')} {', '.join(f'{name}={_shown(v)}' for name, v in step.params.items())}")
    if step.metrics:
        say(f"{indent}{style.dim('metrics')} {', '.join(f'{name}={value:g}' for name, value in step.metrics.items())}")
    if most is None and step.status == "failed" and step.error is not None:
        _show_traceback(step.error, indent)
    if count:
        _show_calls(step.read_calls(most), indent)
        if most is not None and count > most:
            say(f"{indent}{style.dim(f'... and {count - most:,} more: plugbay show RUN {step.id}')}")


def _show_traceback(error: ErrorInfo, indent: str) -> None:
    """The frames of the user's code, as Python shows them."""
    if error.traceback:
        say()
        for line in error.traceback.splitlines():
            say(f"{indent}{printable(line)}".rstrip())
        say()


def _of_progress(progress: StepProgress | None) -> list[str]:
    """For how long it has been so, and why."""
    if progress is None:
        return []
    age = [] if progress.since is None else [f"for {duration(max(0.0, time.time() - progress.since))}"]
    return age + ([progress.reason] if progress.reason else [])


def _show_calls(calls: Sequence[StepRun], indent: str) -> None:
    """A line for each call, with a column for each parameter and metric that any of them logged."""
    params = list(dict.fromkeys(name for call in calls for name in call.params))
    metrics = list(dict.fromkeys(name for call in calls for name in call.metrics))
    rows = [
        (
            call.id,
            status_of(call) or "not run",
            "" if call.status is None else duration(call.seconds),
            *(_shown(call.params[name]) if name in call.params else "" for name in params),
            *(f"{call.metrics[name]:g}" if name in call.metrics else "" for name in metrics),
            _why(call),
        )
        for call in calls
    ]
    heads = ("CALL", "STATUS", "TOOK", *params, *metrics, "WHY")
    if not any(row[-1] for row in rows):
        heads, rows = heads[:-1], [row[:-1] for row in rows]
    say_table(heads, rows, status=1, right=(2, *range(3 + len(params), 3 + len(params) + len(metrics))), indent=indent)


def _why(call: StepRun) -> str:
    """Why it failed, or does not run yet."""
    error = "" if call.error is None else first_line(str(call.error))
    if call.progress is not None:
        return ", ".join([*_of_progress(call.progress), *([f"after {error}"] if error else [])])
    return error if call.status == "failed" else ""


def _shown(value: object) -> str:
    """A parameter in JSON, a text as it is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return cut(text, _LONGEST_VALUE)


def _output(name: str, view: ArtifactView, style: Style, *, mapped: bool) -> str:
    if mapped:
        return f"{name}: {style.dim('a list, one element for each call')}"
    artifact = view.one
    kind = artifact.type.rpartition(":")[2]
    items = f" of {len(artifact.items)}" if artifact.items is not None else ""
    return f"{name}: {kind}{items}{_value(artifact)}, {size(artifact.size)} {style.dim(artifact.digest[:_DIGEST])}"


def _value(artifact: Artifact) -> str:
    """A short plain value, or what its serializer says of the shape of a large one."""
    if artifact.serializer == "json" and artifact.inline is not None and len(artifact.inline) <= _LONGEST_VALUE:
        return f" {printable(artifact.inline.decode('utf-8', 'replace'))}"
    rows, columns = artifact.metadata.get("rows"), artifact.metadata.get("column_count")
    if isinstance(rows, int) and isinstance(columns, int):
        return f" {rows:,} x {columns:,}"
    return ""
