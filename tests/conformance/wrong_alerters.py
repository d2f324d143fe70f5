"""Alerters that are right but for one thing; ``test_wrong_alerters`` runs them through the contract."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Answer, Message
from plugbay_local.alerter import LogAlerter

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "local" / "tests"))

import test_local_alerter


@component
class Approving(LogAlerter):
    """Takes silence for consent."""

    @hookimpl
    def alerter_ask(self, question: Message, timeout: float) -> Answer | None:
        answer = super().alerter_ask(question, timeout)
        return attrs.evolve(answer, approved=True) if answer and answer.by is None else answer


@component
class Terse(LogAlerter):
    """Tells the title only."""

    @hookimpl
    def alerter_post(self, message: Message) -> None:
        super().alerter_post(Message(title=message.title))


@component
class Picky(LogAlerter):
    """Refuses what is too long for it."""

    @hookimpl
    def alerter_post(self, message: Message) -> None:
        if len(message.text) > 3000:
            raise ValueError("too long")
        super().alerter_post(message)


class AlerterContract(test_local_alerter.TestLog):
    flavor: Callable[..., Any]

    @pytest.fixture
    def component(self, tmp_path: Path) -> Iterator[LogAlerter]:
        self.person, other = pty.openpty()
        yield self.flavor(path=tmp_path / "alerts", terminal=Path(os.ttyname(other)))
        os.close(self.person)
        os.close(other)


class TestApproving(AlerterContract):
    flavor = Approving


class TestTerse(AlerterContract):
    flavor = Terse


class TestPicky(AlerterContract):
    flavor = Picky
