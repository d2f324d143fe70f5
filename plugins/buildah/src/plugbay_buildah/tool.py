"""Runs a command-line tool: its output goes to the log line by line, and what is secret in it nowhere."""

from __future__ import annotations

import logging
import subprocess
from collections import deque
from collections.abc import Iterable, Sequence

from attrs import field, frozen

LAST_LINES = 20
"""How many lines of a tool that failed are part of the error."""

_log = logging.getLogger("plugbay_buildah")


class ToolError(OSError):
    """The tool could not be run, or failed."""


@frozen
class Tool:
    """A command with the options that every call of it begins with."""

    command: Sequence[str]
    hidden: tuple[str, ...] = field(default=(), repr=False)
    """Texts that are not shown."""

    def hiding(self, texts: Iterable[str]) -> Tool:
        """The same tool, which shows none of ``texts``."""
        lines = [line for text in texts for line in (text, *text.splitlines())]
        return Tool(self.command, tuple(sorted({line for line in lines if line.strip()}, key=len, reverse=True)))

    def run(self, *arguments: str) -> None:
        """Run it. Raises :class:`ToolError` with the last lines it printed when it fails."""
        last: deque[str] = deque(maxlen=LAST_LINES)
        with self._started(arguments, subprocess.STDOUT) as process:
            for line in process.stdout or ():
                shown = self._shown(line.rstrip())
                _log.info("%s", shown)
                last.append(shown)
        if process.returncode:
            raise ToolError(self._failure(arguments, process.returncode, "\n".join(last)))

    def ask(self, *arguments: str) -> str | None:
        """Run it for what it prints; ``None`` when it says that there is no such thing."""
        with self._started(arguments, subprocess.PIPE) as process:
            answer, complaint = process.communicate()
        if process.returncode == 0:
            return answer.strip()
        if "not known" in complaint or "no such image" in complaint:
            return None
        raise ToolError(self._failure(arguments, process.returncode, self._shown(complaint.strip())))

    def _started(self, arguments: Sequence[str], errors: int) -> subprocess.Popen[str]:
        try:
            return subprocess.Popen(  # noqa: S603 -- a list of arguments, and no shell
                [*self.command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                errors="replace",
            )
        except FileNotFoundError as error:
            msg = f"there is no command {self.command[0]!r}; install it, or give the setting `command` its path"
            raise ToolError(msg) from error

    def _failure(self, arguments: Sequence[str], code: int, said: str) -> str:
        return f"{self.command[0]} {arguments[0]} ended with {code}: {said}"

    def _shown(self, text: str) -> str:
        for secret in self.hidden:
            text = text.replace(secret, "***")
        return text
