"""Run a pipeline, or go on with a run that was interrupted, cancelled or failed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plugbay.cli.parsing import add_json, add_stack
from plugbay.errors import ConfigError, PlanError, PlugbayError, RunFailed, TargetError

if TYPE_CHECKING:
    from plugbay.history import Run
    from plugbay.pipelines.compiled import Compiled
    from plugbay.pipelines.pipeline import Pipeline

_TARGET = "FILE.py:PIPELINE or package.module:PIPELINE; a lone pipeline needs no name"
_FAILURE = "what a failed step does to the others: stop, continue or fail-fast"
_EPILOG = """\
examples:
  plugbay run pipeline.py:flights -p rate=0.2 -p 'models=["linear", "trees"]'
  plugbay run package.module:flights --params nightly.toml --stack prod
  plugbay run --resume last

A parameter is read by its annotation: text as it stands, numbers, true or
false, none for None, the name of an enum's member, and TOML for lists, dicts
and dataclasses. The top-level keys of a --params file are parameters; -p wins.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.epilog = _EPILOG
    parser.add_argument("target", nargs="?", metavar="TARGET", help=_TARGET)
    parser.add_argument(
        "-p", "--param", action="append", default=[], metavar="NAME=VALUE", help="a parameter of the pipeline"
    )
    parser.add_argument("--params", metavar="FILE.toml", help="a file with parameters")
    add_stack(parser)
    parser.add_argument("--failure", choices=("stop", "continue", "fail-fast"), metavar="POLICY", help=_FAILURE)
    parser.add_argument("--no-cache", action="store_true", help="compute every step anew")
    parser.add_argument("--resume", metavar="RUN", help="go on with this run: its id, a part of it, or: last")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.cli.outcome import tell_failure, tell_success

    try:
        with _stdout_for_json(enabled=arguments.json):
            finished = _resumed(arguments) if arguments.resume else _started(arguments)
    except RunFailed as error:
        return tell_failure(error, as_json=arguments.json, verbose=arguments.verbose)
    return tell_success(finished, as_json=arguments.json)


def _started(arguments: argparse.Namespace) -> Run:
    from plugbay.code.target import load_object
    from plugbay.execution.driver import drive
    from plugbay.pipelines.pipeline import Pipeline
    from plugbay.stack import Stack

    if arguments.target is None:
        msg = "say what to run: plugbay run FILE.py:PIPELINE, or plugbay run --resume RUN"
        raise TargetError(msg)
    stack = Stack.load(
        arguments.stack, directory=_project_of(arguments)
    )  # first: the code of a pipeline may take seconds to import
    pipeline = load_object(arguments.target, Pipeline, "pipeline")
    return drive(_compiled(pipeline, arguments), stack=stack, use_cache=not arguments.no_cache)


def _project_of(arguments: argparse.Namespace) -> Path | None:
    """The directory of the pipeline's file, if it is in a project whose configuration is another one than that here."""
    place = (arguments.target or "").partition(":")[0]
    if arguments.elsewhere or not place.endswith(".py"):
        return None
    here, there = Path.cwd(), Path(place).expanduser().absolute().parent
    if here == there:
        return None
    from plugbay.config.layers import project_source

    try:
        source = project_source(there)
        if source is None or source == project_source(here):
            return None
    except ConfigError:  # which is told when the configuration is loaded
        return there
    sys.stderr.write(f"configuration: {source} (plugbay -C . run ... takes that of the current directory)\n")
    return there


def _compiled(pipeline: Pipeline[..., Any], arguments: argparse.Namespace) -> Compiled:
    parameters: dict[str, Any] = {}
    if arguments.param or arguments.params:
        from plugbay.cli.parameters import read_parameters

        parameters = read_parameters(pipeline, arguments.param, arguments.params)
    try:
        return pipeline.compile(arguments.failure, **parameters)
    except PlugbayError:
        raise
    except Exception as error:
        msg = f"pipeline {pipeline.name!r} raised while its steps were wired: {type(error).__name__}: {error}"
        raise PlanError(msg) from error


def _resumed(arguments: argparse.Namespace) -> Run:
    from plugbay.cli.resumption import resumed

    _refuse_with_resume(arguments)
    directory = _project_of(arguments)
    return resumed(arguments.resume, target=arguments.target, stack_name=arguments.stack, directory=directory)


def _refuse_with_resume(arguments: argparse.Namespace) -> None:
    given = {
        "-p": arguments.param,
        "--params": arguments.params,
        "--failure": arguments.failure,
        "--no-cache": arguments.no_cache,
    }
    for option, value in given.items():
        if value:
            msg = f"{option} does not go with --resume: a run is resumed with what it was started with"
            raise TargetError(msg)


@contextmanager
def _stdout_for_json(*, enabled: bool) -> Iterator[None]:
    """Have whatever steps and their libraries print go to stderr, so that stdout is one JSON document."""
    if not enabled:
        yield
        return
    sys.stdout.flush()
    saved, stream = os.dup(1), sys.stdout
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        yield
    finally:
        sys.stdout = stream
        os.dup2(saved, 1)
        os.close(saved)
