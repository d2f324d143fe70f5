"""An alerter whose only reader is the test."""

from __future__ import annotations

import time
from typing import Any

from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Answer, Message


class Inbox:
    """What was posted and asked, and the answers that wait for a question."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.posted: list[Message] = []
        self.asked: list[Message] = []
        self.answers: list[Answer] = []

    def post(self, message: Message) -> None:
        """Take a message."""
        self.posted.append(message)

    def ask(self, question: Message) -> None:
        """Take a question."""
        self.asked.append(question)

    def answer(self, answer: Answer) -> None:
        """Take an answer."""
        self.answers.append(answer)

    def next_answer(self) -> Answer | None:
        """Give the next answer away."""
        return self.answers.pop(0) if self.answers else None

    def messages(self) -> list[Message]:
        """What was posted."""
        return list(self.posted)

    def questions(self) -> list[Message]:
        """What was asked."""
        return list(self.asked)


@component
class FakeAlerter:
    """Keeps messages and questions; a test answers with :meth:`answer`."""

    kept: Any = field(factory=lambda: Shared(Inbox()), repr=False)

    @property
    def messages(self) -> list[Message]:
        """What was posted, in order."""
        found: list[Message] = self.kept.messages()
        return found

    @property
    def questions(self) -> list[Message]:
        """What was asked, in order."""
        found: list[Message] = self.kept.questions()
        return found

    def answer(self, approved: bool, *, by: str = "somebody", comment: str = "") -> None:
        """Answer the question that is asked now, or else the next one."""
        self.kept.answer(Answer(approved=approved, by=by, at=time.time(), comment=comment))

    @hookimpl
    def alerter_post(self, message: Message) -> None:
        self.kept.post(message)

    @hookimpl
    def alerter_ask(self, question: Message, timeout: float) -> Answer:
        self.kept.ask(question)
        deadline = time.monotonic() + timeout
        while True:
            answer: Answer | None = self.kept.next_answer()
            if answer is not None:
                return answer
            if time.monotonic() >= deadline:
                return Answer(approved=False, by=None, at=time.time())
            time.sleep(0.01)
