"""Show a run: its steps, what became of them, their outputs and metrics."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from plugbay.cli.described import attempts_of, call_counts, run_tree
from plugbay.cli.parsing import add_json, add_run, add_stack
from plugbay.cli.terminal import Style, cut, say, say_json, stdout_style
from plugbay.cli.wording import ago, counted, duration, first_line, moment, printable, short, size, tally

if TYPE_CHECKING:
    from plugbay.history.run import ArtifactView, Run, StepRun
    from plugbay_hookspecs.types import Artifact

_LONGEST_VALUE = 60
_DIGEST = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_run(parser)
    add_stack(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.history.queries import get_run, reader_of

    reader = reader_of(arguments.stack)
    with reader.access():
        found = get_run(arguments.run_id, stack=reader.stack)
        if arguments.json:
            say_json(run_tree(found))
        else:
            _show(found, stdout_style())
    return 0


def _show(run: Run, style: Style) -> None:
    say(f"{style.bold(run.pipeline)} {style.status(run.status)}: run {run.id}")
    _fact(style, "stack", run.stack)
    _fact(style, "started", f"{moment(run.record.created)} ({ago(run.record.created)})")
    if run.seconds is not None:
        _fact(style, "took", duration(run.seconds))
    for name, value in run.plan.parameters.items():
        _fact(style, name, cut(json.dumps(value, ensure_ascii=False), _LONGEST_VALUE))
    if run.error is not None and run.status == "failed":
        where = f"step {run.failed_step}: " if run.failed_step else ""
        _fact(style, "error", style.red(printable(f"{where}{run.error}")))
    say()
    steps = run.steps
    width = max(len(step.id) for step in steps)
    for step in steps:
        _show_step(step, width, style, running=run.status == "running")
    if run.status not in ("succeeded", "running"):
        say(style.dim(f"\ngo on with it: plugbay run --resume {short(run.id)}"))


def _fact(style: Style, name: str, value: str) -> None:
    say(f"  {style.dim(f'{name:<9}')} {value}")


def _show_step(step: StepRun, width: int, style: Style, *, running: bool) -> None:
    status = step.status or ("pending" if running else "not run")
    told = style.status(status, f"{status:<9}")
    notes = [duration(step.seconds)] if step.summary is not None and step.status != "skipped" else []
    if attempts_of(step) > 1:
        notes.append(counted(attempts_of(step), "attempt"))
    if step.mapped and step.calls:
        counts = call_counts(step)
        calls = counted(len(step.calls), "call")
        notes.append(calls if len(counts) == 1 else f"{calls}: {tally(counts)}")
    if step.source is not None:
        notes.append(f"from run {short(step.source.run_id)}")
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
    if step.metrics:
        say(f"{indent}{style.dim('metrics')} {', '.join(f'{name}={value:g}' for name, value in step.metrics.items())}")


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
