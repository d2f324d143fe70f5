"""Hooks of an alerter: how people are told, and asked. A stack has any number; all are told, one is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plugbay_hookspecs.markers import hookspec, required

if TYPE_CHECKING:
    from plugbay_hookspecs.types import Answer, Message


@hookspec
@required
def alerter_post(message: Message) -> None:
    """Tell people something.

    Called in any process that has the stack, for every alerter: when user code asks for it, and in the driver for the
    events that a stack is told to announce. Returns when the tool has taken the message. An exception is reported and
    fails neither step nor run. A message too long for the tool is cut, not refused; no secret is in it.

    .. code-block:: python

        import json
        from urllib.request import Request, urlopen

        from plugbay_hookspecs import Secret, component, hookimpl
        from plugbay_hookspecs.types import Message

        SIGNS = {"info": "", "warning": ":warning: ", "error": ":x: ", "critical": ":rotating_light: "}


        @component
        class Slack:
            '''Posts messages to a channel of Slack through an incoming webhook.'''

            webhook: Secret = Secret("https://hooks.slack.example.com/services/T0/B0/X0")

            @hookimpl
            def alerter_post(self, message: Message) -> None:
                parts = [f"{SIGNS[message.severity]}*{message.title}*", message.text]
                parts += [f"{name}: {value}" for name, value in message.fields.items()]
                parts += [f"<{message.link}>"] if message.link else []
                text = " | ".join(part for part in parts if part)
                body = json.dumps({"text": text if len(text) <= 3000 else f"{text[:2999]}…"}).encode()
                request = Request(self.webhook.reveal(), body, {"Content-Type": "application/json"})
                urlopen(request, timeout=10).close()

    .. versionadded:: 0.1
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def alerter_ask(question: Message, timeout: float) -> Answer:
    """Ask people for a decision and wait for it.

    Called in any process that has the stack, mostly in the one that executes a step: of the alerter that is named, else
    of each in stack order until one can ask. Raises when the question could not be put.

    :param question: what a person needs to know to say yes or no.
    :param timeout: seconds to wait.
    :returns: the first answer that somebody gave; when the time is over, one that is not an approval and that nobody
        gave. ``None`` when the tool only tells and never asks.

    .. code-block:: python

        import json
        import time
        from pathlib import Path
        from uuid import uuid4

        from attrs import asdict
        from plugbay_hookspecs import component, hookimpl
        from plugbay_hookspecs.types import Answer, Message


        @component
        class Approvals:
            '''Asks through a folder: a question is a JSON file, its answer a file beside it that a page writes.'''

            folder: Path = Path("approvals")

            @hookimpl
            def alerter_ask(self, question: Message, timeout: float) -> Answer:
                asked = self.folder / f"{uuid4()}.question"
                answered = asked.with_suffix(".answer")
                self.folder.mkdir(parents=True, exist_ok=True)
                asked.write_text(json.dumps(asdict(question)), encoding="utf-8")
                deadline = time.monotonic() + timeout
                try:
                    while not answered.exists():
                        if time.monotonic() >= deadline:
                            return Answer(approved=False, by=None, at=time.time())
                        time.sleep(0.2)
                    answer = json.loads(answered.read_text(encoding="utf-8"))
                finally:
                    asked.unlink()
                return Answer(approved=answer["approved"] is True, by=answer["by"], at=answered.stat().st_mtime)

    .. versionadded:: 0.1
    """
    raise NotImplementedError
