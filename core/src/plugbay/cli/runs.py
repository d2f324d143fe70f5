"""List the runs in the artifact store of a stack, newest first."""

from __future__ import annotations

import argparse

from plugbay.cli.parsing import add_json, add_stack
from plugbay.cli.terminal import say, say_json, say_table
from plugbay.cli.wording import duration, first_line, moment, short, timestamp

_STATUSES = ("running", "succeeded", "failed", "cancelled", "interrupted")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--limit", type=_limit, default=20, metavar="N", help="at most this many (default: 20; 0: all)")
    parser.add_argument("--status", choices=_STATUSES, metavar="STATUS", help=f"only: {', '.join(_STATUSES)}")
    parser.add_argument("--pipeline", metavar="NAME", help="only runs of this pipeline")
    add_stack(parser)
    add_json(parser)


def _limit(text: str) -> int:
    if not text.isdecimal():
        msg = f"expected a whole number, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.history.index import RunIndex
    from plugbay.history.queries import reader_of

    reader = reader_of(arguments.stack)
    with reader.access():
        rows = RunIndex.of(reader.stack).rows(
            reader, limit=arguments.limit or None, status=arguments.status, pipeline=arguments.pipeline
        )
    if arguments.json:
        say_json(
            [
                {
                    "id": row.id,
                    "pipeline": row.pipeline,
                    "stack": row.stack,
                    "status": row.status,
                    "started": timestamp(row.created),
                    "seconds": row.seconds,
                    "steps": row.steps,
                    "error": row.error,
                }
                for row in rows
            ]
        )
        return 0
    if not rows:
        which = " like that" if arguments.status or arguments.pipeline else ""
        say(f"no runs{which} in the artifact store of stack {reader.stack.name!r}")
        return 0
    say_table(
        ("RUN", "PIPELINE", "STATUS", "STARTED", "TOOK", "STEPS", "ERROR"),
        [
            (
                short(row.id),
                row.pipeline,
                row.status,
                moment(row.created),
                duration(row.seconds),
                str(row.steps),
                first_line(row.error),
            )
            for row in rows
        ],
        status=2,
        right=(4, 5),
    )
    return 0
