"""Write a plugbay.toml to start from into the current directory."""

from __future__ import annotations

import argparse
from pathlib import Path

from plugbay.cli.terminal import say
from plugbay.errors import PlugbayError

_NAME = "plugbay.toml"
_TEXT = """\
# The configuration of this project. Later wins: the built-in default stack, your own config.toml, this file, PLUGBAY_*
# environment variables, flags. What is commented out here is what holds without this file, unless your own config.toml
# says otherwise.

# stack = "default"                # the active one; plugbay run --stack NAME takes another

# What listens to every run, on every stack. A list replaces that of a layer before.
# observers = ["progress"]

# Pickle takes what no serializer does. Refuse it where artifacts may come from somebody you do not trust.
# allow_pickle = false

# [stacks.default]
# orchestrator = "local"           # the short form: a flavor with its default settings
# artifact_store = "local"

# The long form: a table with the flavor and its settings. plugbay flavors lists what is installed.
#
# [stacks.project.orchestrator]
# flavor = "local"
# workers = 2
#
# [stacks.project.artifact_store]
# flavor = "local"
# path = "artifacts"               # relative to this file
#
# A setting may come from an environment variable, and a secret from the stack's secrets managers:
#   endpoint = { env = "S3_ENDPOINT" }
#   secret_access_key = { secret = "s3.secret_access_key" }
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("--force", action="store_true", help="overwrite the file that is there")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    path = Path(_NAME)
    try:
        with path.open("w" if arguments.force else "x", encoding="utf-8") as file:
            file.write(_TEXT)
    except FileExistsError as error:
        msg = f"{path.absolute()} exists already; to overwrite it: plugbay init --force"
        raise PlugbayError(msg) from error
    except OSError as error:
        msg = f"{path.absolute()} cannot be written: {error.strerror}"
        raise PlugbayError(msg) from error
    say(f"wrote {path.absolute()}\n  plugbay stack check\n  plugbay run pipeline.py")
    return 0
