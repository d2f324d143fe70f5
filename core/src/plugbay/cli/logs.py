"""Print what the steps of a run have printed; with --follow, also what follows."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from plugbay.cli.parsing import add_run, add_stack
from plugbay.errors import NotFoundError, PlugbayError
from plugbay.store.layout import call_id

if TYPE_CHECKING:
    from plugbay.history.reader import Reader
    from plugbay.history.run import Run, StepRun
    from plugbay_hookspecs.types import PlannedStep

_PAUSE = 0.3
"""Seconds between two looks at a log that is followed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_run(parser)
    parser.add_argument(
        "step",
        nargs="?",
        metavar="STEP",
        help="a step's id; of a mapped step also one call: fit.0 (default: all steps)",
    )
    parser.add_argument("--attempt", type=int, metavar="N", help="the attempt of the step, from 1 (default: the last)")
    parser.add_argument(
        "-f", "--follow", action="store_true", help="go on until the step has ended; of several, until the run has"
    )
    add_stack(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.history.queries import get_run, reader_of

    reader = reader_of(arguments.stack)
    with reader.access():
        found = get_run(arguments.run_id, stack=reader.stack)
        if arguments.step is None:
            if arguments.attempt is not None:
                msg = "--attempt is for one step: plugbay logs RUN STEP --attempt N"
                raise PlugbayError(msg)
            several = found.plan.steps
        else:
            several = tuple(step for step in found.plan.steps if step.mapped and step.id == arguments.step)
        if several:
            _print_several(found, several, reader, arguments)
        else:
            _print_one(found, arguments.step, reader, arguments)
    return 0


def _print_one(found: Run, name: str, reader: Reader, arguments: argparse.Namespace) -> None:
    step = _step_or_none(found, name)
    if step is not None and (step.source is not None or found.status != "running"):
        _print_ended(found, step, reader, arguments.attempt)
    elif arguments.follow:
        _follow(found, name, reader, arguments.attempt)
    else:
        number = arguments.attempt or _current_attempt(reader, found.id, name)
        _print_or_tell(reader.log(found.id, name, number), found.id, name, reader)


def _print_several(found: Run, steps: Sequence[PlannedStep], reader: Reader, arguments: argparse.Namespace) -> None:
    if arguments.follow and found.status == "running":
        _follow_several(found, steps, reader, arguments.attempt)
        return
    silent = True
    for part in _parts(steps, {*found.summaries, *(step for step, _ in reader.logged(found.id))}):
        step = _step_or_none(found, part)
        cached = step is not None and step.source is not None
        if step is not None and cached:
            text = step.log(arguments.attempt)
        else:
            text = reader.log(found.id, part, arguments.attempt or _current_attempt(reader, found.id, part))
        if text:
            _write(f"==> {part}{', from the cache' if cached else ''} <==\n")
            _write_ended(text)
            silent = False
        if step is not None and step.status == "failed":
            _tell_error(step, arguments.attempt)
            silent = False
    if silent:
        sys.stderr.write(f"{'step ' + repr(arguments.step) if arguments.step else 'the run'} has printed nothing\n")


def _parts(steps: Sequence[PlannedStep], known: Collection[str]) -> list[str]:
    """The ids of steps and calls, in the order of the plan, of the calls as far as they are known."""
    calls: dict[str, list[int]] = {}
    for name, _, index in (each.rpartition(".") for each in known):
        if index.isdecimal():
            calls.setdefault(name, []).append(int(index))
    parts: list[str] = []
    for step in steps:
        parts += [call_id(step.id, index) for index in sorted(calls.get(step.id, ()))] if step.mapped else [step.id]
    return parts


def _follow_several(found: Run, steps: Sequence[PlannedStep], reader: Reader, attempt: int | None) -> None:
    """Print what each of the steps prints as it comes, until the run is over."""
    printed: dict[tuple[str, int], int] = {}
    complete: set[tuple[str, int]] = set()
    last = ""
    while True:
        # Looked at before the logs are read: what is printed last is not missed.
        running = reader.status(found.record, reader.end_record(found.id)) == "running"
        logged = reader.logged(found.id)
        for part in _parts(steps, {step for step, _ in logged}):
            for each in sorted(one for one in logged if one[0] == part and attempt in (None, one[1])):
                if each in complete:
                    continue
                text = reader.log(found.id, *each)
                if logged[each]:
                    complete.add(each)
                elif running:  # lines of several must not mix
                    text = text[: text.rfind("\n") + 1]
                fresh = text[printed.get(each, 0) :]
                printed[each] = len(text)
                if fresh:
                    _write(f"==> {part} <==\n" if part != last else "")
                    _write_ended(fresh)
                    last = part
        if not running:
            return
        time.sleep(_PAUSE)


def _step_or_none(run: Run, step: str) -> StepRun | None:
    """The step; ``None`` for a call of a mapped step that is not recorded yet. Raises NotFoundError for neither."""
    try:
        return run[step]
    except NotFoundError:
        name, _, index = step.rpartition(".")
        if run.status == "running" and index.isdecimal() and any(s.id == name and s.mapped for s in run.plan.steps):
            return None
        raise


def _print_ended(run: Run, step: StepRun, reader: Reader, attempt: int | None) -> None:
    known = [record.attempt for record in step.attempts]
    if attempt is not None and attempt not in known:
        made = ", ".join(map(str, known)) or "none"
        msg = f"step {step.id!r} of run {run.id} has no attempt {attempt} (it has: {made})"
        raise NotFoundError(msg)
    if step.source is None and not known:
        begun = reader.log(run.id, step.id, _current_attempt(reader, run.id, step.id))
        if begun:  # the process was killed, and nobody has gone on with the run
            _write_ended(begun)
            return
        _tell_nothing(step.id, f": it was {step.status or 'not run'}")
        return
    _print_or_tell(step.log(attempt), run.id, step.id, reader)
    _tell_error(step, attempt)


def _tell_error(step: StepRun, attempt: int | None = None) -> None:
    """Tell why the attempt has failed, with the frames of the user's code, which are not in the log."""
    record = step.record if attempt is None else next((each for each in step.attempts if each.attempt == attempt), None)
    if record is None or record.status != "failed" or record.error is None:
        return
    sys.stdout.flush()
    sys.stderr.write(f"step {step.id!r} failed: {record.error}\n")
    if record.error.traceback:
        sys.stderr.write(f"\n{record.error.traceback.rstrip()}\n")


def _print_or_tell(text: str, run_id: str, step: str, reader: Reader) -> None:
    """Print the log, else the engine's own, else that there is none."""
    if text:
        _write_ended(text)
        return
    engine = reader.stack.orchestrator.logs(run_id, step)
    if engine is None:
        _tell_nothing(step)
        return
    for line in engine:
        _write(f"{line}\n")


def _current_attempt(reader: Reader, run_id: str, step: str) -> int:
    """The last attempt that is recorded, or the one after it if it has begun to print."""
    recorded = max((record.attempt for record in reader.attempts_of(run_id, step)), default=0)
    return recorded + 1 if recorded == 0 or reader.log(run_id, step, recorded + 1) else recorded


def _follow(run: Run, step: str, reader: Reader, attempt: int | None) -> None:
    """Print the log as it grows, attempt after attempt, until the step or the run is over."""
    number = attempt or max(1, _current_attempt(reader, run.id, step))
    printed = 0
    while True:
        # Looked at before the log is read: what is printed last is not missed.
        records = {record.attempt: record for record in reader.attempts_of(run.id, step)}
        running = reader.status(run.record, reader.end_record(run.id)) == "running"
        text = reader.log(run.id, step, number)
        _write(text[printed:])
        printed = len(text)
        record = records.get(number)
        if not running or (record is not None and (record.status != "failed" or attempt is not None)):
            return
        if record is not None and reader.log(run.id, step, number + 1):
            number, printed = number + 1, 0
        time.sleep(_PAUSE)


def _tell_nothing(step: str, why: str = "") -> None:
    sys.stderr.write(f"step {step!r} has printed nothing{why}\n")


def _write_ended(text: str) -> None:
    _write(text if text.endswith("\n") or not text else f"{text}\n")


def _write(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()
