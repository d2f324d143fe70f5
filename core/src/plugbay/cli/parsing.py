"""The parser of one command, and its errors in the words of the rest of Plugbay."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from typing import NoReturn

from plugbay.cli.commands import module_of
from plugbay.errors import did_you_mean


class Parser(argparse.ArgumentParser):
    """An ``ArgumentParser`` that takes no abbreviations and whose errors end with where to find help."""

    def __init__(self, *args: object, **options: object) -> None:
        """Make a parser; the options are argparse's own."""
        options.setdefault("allow_abbrev", False)
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        """Print the message as any other error and end with exit code 2."""
        sys.stderr.write(f"error: {message}\nsee: {self.prog} --help\n")
        raise SystemExit(2)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            what = action.metavar or action.dest
            message = f"there is no {what} {value!r}{did_you_mean(str(value), known)} (there are: {', '.join(known)})"
            raise argparse.ArgumentError(None, message)

    def parse(self, words: list[str]) -> argparse.Namespace:
        """Parse the words after the command; an option that is not known is told with the nearest that is."""
        arguments, left = self.parse_known_args(words)
        if left:
            option = next((word for word in left if word.startswith("-") and word != "-"), None)
            if option is None:
                self.error(f"too many arguments: {' '.join(left)}")
            name = option.partition("=")[0]
            self.error(f"there is no option {name}{did_you_mean(name, self._all_options())}")
        return arguments

    def _all_options(self) -> list[str]:
        found = list(self._option_string_actions)
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):
                found += [option for parser in action.choices.values() for option in parser._option_string_actions]
        return found


def run_builtin(name: str, words: list[str], *, verbose: bool, elsewhere: bool = False) -> int:
    """Parse the words after a command of Plugbay's own and run it.

    :param elsewhere: the directory was chosen by ``-C``.
    """
    module = importlib.import_module(module_of(name))
    parser = Parser(prog=f"plugbay {name}", description=module.__doc__)
    module.add_arguments(parser)
    add_general(parser)
    arguments = parser.parse(words)
    arguments.elsewhere = elsewhere
    arguments.verbose = verbose or getattr(arguments, "verbose", False)
    run = getattr(arguments, "run", module.run)
    from plugbay.cli.reporting import log_messages

    with log_messages(verbose=arguments.verbose):
        code: int = run(arguments)
    return code


def add_general(parser: argparse.ArgumentParser) -> None:
    """Add what every command of Plugbay's own takes, as ``plugbay`` itself does before it."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=choose_config,
        default=argparse.SUPPRESS,
        help="read FILE in the place of the project's configuration",
    )
    add_verbose(parser)


def choose_config(file: str) -> str:
    """Have the file read in the place of the project's configuration: by processes of the run, too."""
    chosen = os.environ["PLUGBAY_CONFIG"] = os.path.abspath(file)  # noqa: PTH100  as a text
    return chosen


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """Add ``-v``; without a default, which a command's own parser would set over what stood before the command."""
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show debug messages and full tracebacks",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_stack(parser: argparse.ArgumentParser) -> None:
    """Add ``--stack``."""
    parser.add_argument("--stack", metavar="NAME", help="the stack (default: the configured one)")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the argument that names a run."""
    parser.add_argument("run_id", metavar="RUN", help="a run's id, the beginning or the end of it, or: last")
