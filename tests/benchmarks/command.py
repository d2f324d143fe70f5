"""The command line: measure, print, keep."""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
from pathlib import Path
from typing import get_args

import plugbay
from benchmarks import cases, machine, report, sampling
from benchmarks.case import Bench, Figure, chosen, figure_of

_CONFIGURATION = """
stack = "default"
observers = []

[stacks.default]
orchestrator = "local"
artifact_store = "local"

[stacks.inline]
orchestrator = { flavor = "local", workers = 1 }
artifact_store = "local"

[stacks.eight]
orchestrator = { flavor = "local", workers = 8 }
artifact_store = "local"
"""


def main() -> int:
    """Measure, print the table, and return 1 when a budget is exceeded."""
    given = _parser().parse_args()
    if given.profile is not None:
        _profile(given.profile, given.directory)
        return 0
    if given.read is not None:
        about, figures = report.read_json(given.read)
    else:
        about, figures = _measure(given)
    if given.json is not None:
        report.write_json(given.json, about, figures, quick=given.quick)
    if given.markdown is not None:
        report.write_markdown(given.markdown, about, figures)
    return int(any(figure.over for figure in figures))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks",
        description="Measure what Plugbay costs, each figure beside a floor; exit with 1 when a budget is exceeded.",
    )
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, and none of the longest cases")
    parser.add_argument("--only", metavar="TEXT", help="only cases whose name has this text")
    parser.add_argument(
        "--directory", type=_path, default=Path.cwd(), help="where to work: on the disk to be measured (default: here)"
    )
    parser.add_argument(
        "--json", type=_path, metavar="FILE", help="keep the figures, each sample, the machine and the versions"
    )
    parser.add_argument(
        "--markdown", type=_path, metavar="FILE", help="put the table between the markers in this document"
    )
    parser.add_argument(
        "--profile",
        choices=get_args(sampling.Kind),
        help="measure nothing: show where the processor time of such a step goes",
    )
    parser.add_argument("--read", type=_path, metavar="FILE", help="measure nothing: take the figures that --json kept")
    return parser


def _path(text: str) -> Path:
    return Path(text).absolute()


def _profile(kind: sampling.Kind, directory: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="plugbay-bench-", dir=directory, ignore_cleanup_errors=True) as root:
        _settle_in(Path(root))
        for line in sampling.profile(kind):
            print(line)


def _measure(given: argparse.Namespace) -> tuple[dict[str, object], list[Figure]]:
    about = machine.describe(given.directory)
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load'][0]}; {about['filesystem']}; {about['python']}")
    if machine.is_in_memory(about["filesystem"]):
        print("NOT A DISK: nothing is flushed here, so the durable figures say nothing; choose another --directory")
    figures = []
    here = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="plugbay-bench-", dir=given.directory, ignore_cleanup_errors=True) as root:
        bench = Bench(Path(root), given.quick)
        _settle_in(bench.root)
        print(report.head(), flush=True)
        try:
            for case in chosen(cases.every(bench), given.only, quick=given.quick):
                figure = figure_of(case)
                figures.append(figure)
                print("\n".join([report.row(figure), *report.notes(figure)]), flush=True)
        finally:
            os.chdir(here)
    if not Path(importlib.util.cache_from_source(plugbay.__file__)).exists():
        print("no compiled files could be written beside the modules: starting takes longer than it does for a user")
    return about, figures


def _settle_in(root: Path) -> None:
    """Keep the configuration of whoever measures out of it."""
    for name in [name for name in os.environ if name.startswith("PLUGBAY_")]:
        del os.environ[name]
    os.environ["PLUGBAY_HOME"] = str(root / "home")
    (root / "plugbay.toml").write_text(_CONFIGURATION)
    os.chdir(root)
