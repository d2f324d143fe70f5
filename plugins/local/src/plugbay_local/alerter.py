"""The alerter that writes a log and asks on the terminal."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import attrs

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.message import Answer, Message
from plugbay_local.home import user_path
from plugbay_local.lines import append_line

_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR, "critical": logging.CRITICAL}


@component
class LogAlerter:
    """Write alerts to a log file or to Python's logging; ask on the terminal."""

    path: Path | None = None
    """The file, a JSON object on each line; without it and without `logger`, `alerts.jsonl` in `PLUGBAY_HOME` or in the
    user's data directory."""
    logger: str | None = None
    """The name of a logger of Python's `logging` to write to."""
    terminal: Path = Path("/dev/tty")
    """Where questions are asked; the default is the terminal that the process was started from."""
    _asking: threading.Lock = attrs.field(factory=threading.Lock, init=False, repr=False)

    @hookimpl
    def alerter_post(self, message: Message) -> None:
        if self.logger is not None:
            logging.getLogger(self.logger).log(_LEVELS[message.severity], "%s", " | ".join(_parts(message)))
        if (file := self._file()) is not None:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            append_line(file, {"at": at, **attrs.asdict(message), "fields": dict(message.fields)})

    @hookimpl
    def alerter_ask(self, question: Message, timeout: float) -> Answer | None:
        # Imported here because few alerts are questions.
        from plugbay_local.terminal import Terminal

        terminal = Terminal.open(self.terminal)
        if terminal is None:
            return None
        deadline = time.monotonic() + timeout
        with terminal:
            # One question at a time: nobody could tell which one an answer is for.
            if not self._asking.acquire(timeout=min(max(timeout, 0), threading.TIMEOUT_MAX)):
                return Answer(approved=False, by=None, at=time.time())
            try:
                return terminal.ask(_parts(question), deadline)
            finally:
                self._asking.release()

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        file = self._file()
        facts = {"file": None if file is None else str(file), "logger": self.logger}
        return {name: fact for name, fact in facts.items() if fact is not None}

    def _file(self) -> Path | None:
        if self.path is not None:
            return self.path.expanduser().absolute()
        return None if self.logger is not None else user_path("alerts.jsonl")


def _parts(message: Message) -> list[str]:
    """What a person reads, each part on one line and without what a terminal would obey."""
    parts = [message.title, *message.text.splitlines()]
    parts += [f"{name}: {value}" for name, value in message.fields.items()]
    parts += [message.link] if message.link else []
    return [_printable(part) for part in parts if part]


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
