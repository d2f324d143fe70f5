"""Write a plugin distribution to start from, whose tests pass as it stands."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugbay.cli.parsing import add_json
from plugbay.cli.terminal import say, say_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("type", metavar="TYPE", help="a component type (plugbay hooks lists them), or: observer")
    parser.add_argument("name", metavar="NAME", help="the flavor's name in a stack: the tool's")
    parser.add_argument("--directory", type=Path, metavar="DIR", help="what to make (default: ./DISTRIBUTION)")
    parser.add_argument("--distribution", metavar="NAME", help="the name pip knows (default: plugbay-NAME)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from plugbay.cli.skeleton.names import names_for
    from plugbay.cli.skeleton.writing import write_distribution

    names = names_for(arguments.type, arguments.name, arguments.distribution)
    directory = (arguments.directory or Path(names.distribution)).absolute()
    files = write_distribution(names, directory)
    if arguments.json:
        say_json(
            {
                "directory": str(directory),
                "distribution": names.distribution,
                "package": names.package,
                "type": names.component_type,
                "flavor": names.flavor,
                "class": f"{names.package}.{names.component_type}:{names.class_name}",
                "files": files,
            }
        )
        return 0
    for file in files:
        say(f"wrote {directory / file}")
    say(f"\n  cd {_shown(directory)}")
    say("  python -m pip install -e '.[test]'")
    say("  python -m pytest")
    say(f"\nchoose it in plugbay.toml:\n\n{names.chosen()}")
    return 0


def _shown(directory: Path) -> str:
    import shlex

    return shlex.quote(str(directory))
