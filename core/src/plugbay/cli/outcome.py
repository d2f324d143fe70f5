"""What ``plugbay run`` prints at the end."""

from __future__ import annotations

import sys

from plugbay.cli.reporting import print_error
from plugbay.cli.terminal import say, say_json, stderr_style, stdout_style
from plugbay.cli.wording import duration, short
from plugbay.errors import NotFoundError, PlugbayError, RunFailed
from plugbay.history.run import Run
from plugbay_hookspecs.types import ErrorInfo

_LOG_LINES = 20
_INTERRUPTED = 130


def tell_success(run: Run, *, as_json: bool) -> int:
    """Tell that a run has succeeded, and return the exit code."""
    if as_json:
        _say_run(run)
        return 0
    _summary(run)
    _next("plugbay show", run)
    return 0


def tell_failure(failed: RunFailed, *, as_json: bool, verbose: bool) -> int:
    """Tell how a run failed, and return the exit code."""
    run = failed.run
    sys.stdout.flush()
    if verbose:
        import traceback

        sys.stderr.write("".join(traceback.format_exception(failed)))
    if run.status == "cancelled":
        code = _INTERRUPTED
    else:
        code = failed.exit_code
        _explain(run)
    if as_json:
        _say_run(run)
        return code
    _summary(run)
    _next("plugbay show", run)
    _next("plugbay run --resume", run)
    return code


def _say_run(run: Run) -> None:
    from plugbay.cli.described import run_tree

    say_json(run_tree(run))


def _summary(run: Run) -> None:
    style = stdout_style()
    took = "" if run.seconds is None else f" in {duration(run.seconds)}"
    if took and run.resumed:  # how long this process took for its part has been told while it ran
        took = f", {duration(run.seconds)} after it began"
    say(f"run {style.bold(run.id)} {style.status(run.status)}{took}")


def _next(command: str, run: Run) -> None:
    say(stdout_style().dim(f"  {command} {short(run.id)}"))


def _explain(run: Run) -> None:
    """Print the error, the user's frames and the end of the log of the step that failed first."""
    error, step = run.error, run.failed_step
    if error is None:
        print_error(f"run {run.id} failed")
        return
    print_error(f"step {step!r} failed: {error}" if step else str(error))
    if error.traceback:
        sys.stderr.write(f"\n{error.traceback.rstrip()}\n")
    if step:
        _print_log(run, step)
    _print_other_failures(run)
    sys.stderr.write("\n")
    sys.stderr.flush()


def _print_log(run: Run, step: str) -> None:
    try:
        lines = run[step].log().splitlines()
    except PlugbayError:  # the store is away, or the step failed as a whole: the error says what there is to say
        return
    if not lines:
        return
    style = stderr_style()
    part = f"the last {_LOG_LINES} lines of its log" if len(lines) > _LOG_LINES else "its log"
    sys.stderr.write(f"\n{style.dim(f'{part} (plugbay logs {short(run.id)} {step}):')}\n")
    sys.stderr.writelines(f"  {line}\n" for line in lines[-_LOG_LINES:])


def _print_other_failures(run: Run) -> None:
    others = [
        step_id
        for step_id, summary in run.summaries.items()
        if summary.status == "failed" and step_id != run.failed_step and not _calls_include(run, step_id)
    ]
    for step_id in others[:_LOG_LINES]:
        sys.stderr.write(f"\n{stderr_style().red('also failed:')} step {step_id!r}: {_error_of(run, step_id)}\n")


def _calls_include(run: Run, step_id: str) -> bool:
    """Whether the step stands for calls of which one is named as failed by itself."""
    return any(other.startswith(f"{step_id}.") for other in run.summaries)


def _error_of(run: Run, step_id: str) -> ErrorInfo | str:
    try:
        return run[step_id].error or "see its log"
    except NotFoundError:
        return "see its log"
