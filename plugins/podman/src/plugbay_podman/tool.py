"""Runs podman."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence

from attrs import frozen

_UNKNOWN = ("no such container", "no container with name or id")


@frozen
class Tool:
    """A command with the options that every call of it begins with."""

    command: Sequence[str]

    def run(self, *arguments: str, timeout: float | None = None) -> str:
        """Run it for what it prints.

        Raises ``KeyError`` when it knows no such container, ``OSError`` with what it says when it fails otherwise.
        """
        try:
            done = subprocess.run(  # noqa: S603 -- a list of arguments, and no shell
                [*self.command, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError as error:
            msg = f"there is no command {self.command[0]!r}; install it, or give the setting `command` its path"
            raise OSError(msg) from error
        if done.returncode:
            said = done.stderr.strip()
            if any(words in said.lower() for words in _UNKNOWN):
                raise KeyError(arguments[-1])
            msg = f"{self.command[0]} {arguments[0]} ended with {done.returncode}: {said}"
            raise OSError(msg)
        return done.stdout.strip()

    def lines(self, *arguments: str) -> Iterator[str]:
        """Run it and yield what it prints, line by line, as it does."""
        with subprocess.Popen(  # noqa: S603 -- as above
            [*self.command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            errors="replace",
        ) as process:
            try:
                for line in process.stdout or ():
                    yield line.rstrip("\n")
            finally:
                process.terminate()
