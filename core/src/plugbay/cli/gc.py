"""Delete old runs, and what nothing in the artifact store refers to any more."""

from __future__ import annotations

import argparse
import re

from plugbay.cli.parsing import add_json, add_stack
from plugbay.cli.terminal import say, say_json
from plugbay.cli.wording import counted, size

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.epilog = (
        "Without --keep and --older-than no run is deleted.\nA DURATION is a number and s, m, h, d or w: 30d."
    )
    parser.add_argument("--keep", type=_count, metavar="N", help="delete all but the N newest runs")
    parser.add_argument("--older-than", type=_duration, metavar="DURATION", help="delete runs that began longer ago")
    parser.add_argument(
        "--grace", type=_duration, metavar="DURATION", help="leave younger leftovers alone (default: 1d)"
    )
    parser.add_argument("--dry-run", action="store_true", help="delete nothing, tell what would be")
    add_stack(parser)
    add_json(parser)


def _count(text: str) -> int:
    if not text.isdecimal():
        msg = f"expected a whole number, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _duration(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", text)
    if match is None:
        msg = f"expected a duration such as 30d, 12h or 45m, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return float(match[1]) * _SECONDS[match[2]]


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.history.garbage import GRACE, collect
    from plugbay.stack import Stack

    collected = collect(
        Stack.load(arguments.stack),
        keep=arguments.keep,
        older_than=arguments.older_than,
        grace=GRACE if arguments.grace is None else arguments.grace,
        dry_run=arguments.dry_run,
    )
    if arguments.json:
        say_json(
            {
                "dry_run": arguments.dry_run,
                "runs": list(collected.runs),
                "waiting": list(collected.waiting),
                "cache_entries": collected.cache_entries,
                "blobs": collected.blobs,
                "scratch_files": collected.scratch_files,
                "bytes": collected.bytes,
            }
        )
        return 0
    verb = "would delete" if arguments.dry_run else "deleted"
    parts = [
        counted(len(collected.runs), "run"),
        counted(collected.blobs, "blob"),
        f"{collected.cache_entries:,} cache {'entry' if collected.cache_entries == 1 else 'entries'}",
    ]
    if collected.scratch_files:
        parts.append(counted(collected.scratch_files, "file") + " that killed processes left")
    say(f"{verb} {', '.join(parts)}: {size(collected.bytes)}")
    if collected.waiting:
        say(
            f"{counted(len(collected.waiting), 'expired run')} kept: a run in progress or a newer one needs what they made"
        )
    return 0
