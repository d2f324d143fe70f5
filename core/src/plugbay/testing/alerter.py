"""What every alerter keeps to: whatever is told is taken, and silence is not an approval.

.. code-block:: python

    class TestMine(AlerterContract):
        lacking = {"asking": "nobody can answer to a webhook"}

        @pytest.fixture
        def component(self):
            return Mine()

        def told(self, component):
            return [message.text for message in ...]
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any, ClassVar

import attrs
import pytest

from plugbay.testing.component import ComponentContract
from plugbay.testing.processes import call
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import Message

HOSTILE_TEXTS = (
    "two\nlines\r\n",
    "\x1b[2J\x07\0",
    "\ud800",
    "ü日本🎈",
    "<!channel> <b>&amp;*_`",
    "{title} %s ${HOME}",
    '"}\n{"title": "another"',
)


class AlerterContract(ComponentContract):
    """Inherit from it, give the fixture ``component`` and the methods ``told`` and ``answering``; see the module."""

    component_type = "alerter"
    capabilities = frozenset({"asking"})
    """What an alerter may lack; its hook answers ``None``."""
    patience: ClassVar[float] = 15.0
    """Seconds in which a message arrives or a question whose time is over ends."""
    longest: ClassVar[int] = 100_000
    """How many characters a long message has."""

    def told(self, component: Any) -> Sequence[str]:
        """What people can read of each message, in the order in which they came."""
        msg = f"{type(self).__name__} needs a method `told(component)` that reads what people were told"
        raise NotImplementedError(msg)

    def answering(self, component: Any, approved: bool) -> AbstractContextManager[object]:
        """Have a person answer the question that is put inside of the context."""
        msg = f"{type(self).__name__} needs a method `answering(component, approved)`, or to lack `asking`"
        raise NotImplementedError(msg)

    def awaited(self, component: Any, count: int) -> Sequence[str]:
        """What people were told, once it is that many messages or more."""
        with suppress(AssertionError):
            wait_until(lambda: len(self.told(component)) >= count, self.patience)
        told = self.told(component)
        assert len(told) == count, f"{count} messages were posted, people have {len(told)}"
        return told

    # -- telling

    def test_people_can_read_all_of_a_message(self, hooks: Any, component: Any) -> None:
        """Title, text, link and fields in their order."""
        fields = {"zebra": "third", "accuracy": "fourth"}
        hooks.alerter_post(message=Message(title="first", text="second", link="https://fifth.example/", fields=fields))
        (told,) = self.awaited(component, 1)
        assert all(part in told for part in ("first", "second", "zebra", "accuracy", "https://fifth.example/"))
        assert told.index("first") < told.index("third") < told.index("fourth")

    def test_messages_keep_their_order(self, hooks: Any, component: Any) -> None:
        """Each is told once; all severities are."""
        for severity in ("info", "warning", "error", "critical"):
            hooks.alerter_post(message=Message(title=f"a title of {severity}", severity=severity, topic="a topic"))
        told = self.awaited(component, 4)
        assert all(
            f"a title of {severity}" in text
            for severity, text in zip(("info", "warning", "error", "critical"), told, strict=True)
        )

    @pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
    def test_a_hostile_message_is_one_message(self, hooks: Any, component: Any, text: str) -> None:
        """In whatever part of it the text stands."""
        hooks.alerter_post(message=Message(title=f"before {text} after", text=text, fields={text: text}))
        assert "before" in self.awaited(component, 1)[0]

    def test_a_long_message_is_cut_and_not_refused(self, hooks: Any, component: Any) -> None:
        """In all its parts."""
        long = "long " * (self.longest // 5)
        hooks.alerter_post(message=Message(title=f"title {long}", text=long, fields={"a": long, long: "b"}))
        assert "title long" in self.awaited(component, 1)[0]

    def test_all_processes_and_threads_are_heard(self, hooks: Any, component: Any) -> None:
        """No message is lost, none torn."""
        posts = [[Message(title=f"<{who}.{number}>", text="x" * 500) for number in range(10)] for who in range(4)]

        def post(messages: list[Message]) -> None:
            for message in messages:
                hooks.alerter_post(message=message)

        threads = [threading.Thread(target=post, args=(messages,)) for messages in posts[:2]]
        for thread in threads:
            thread.start()
        outcomes = self.at_once(
            component, [[call("alerter_post", message=each) for each in some] for some in posts[2:]]
        )
        for thread in threads:
            thread.join()
        assert [outcome.error for some in outcomes for outcome in some] == [None] * 20
        told = self.awaited(component, 40)
        for message in (message for messages in posts for message in messages):
            assert sum(message.title in text for text in told) == 1, message.title

    def test_no_secret_is_told(self, hooks: Any, component: Any) -> None:
        """Not even in the link to where the message came from."""
        hooks.alerter_post(message=Message(title="title"))
        settings = [getattr(component, field.name) for field in attrs.fields(type(component))]
        secrets = [setting.reveal() for setting in settings if isinstance(setting, Secret)]
        (told,) = self.awaited(component, 1)
        assert not any(secret in told for secret in secrets), "a secret is told"

    # -- asking

    def test_who_cannot_ask_says_so_at_once(self, hooks: Any) -> None:
        """With ``None``; nobody waits for it."""
        if "asking" not in self.lacking:
            return
        asked = time.monotonic()
        assert hooks.alerter_ask(question=Message(title="Deploy?"), timeout=60.0) is None
        assert time.monotonic() - asked < stretched(30)

    @pytest.mark.parametrize("approved", [True, False])
    def test_a_person_decides(self, hooks: Any, component: Any, approved: bool) -> None:
        """And the answer says who and when."""
        self.need("asking")
        asked = time.time()
        with self.answering(component, approved):
            answer = hooks.alerter_ask(
                question=Message(title="Deploy?", text="to all"), timeout=stretched(self.patience)
            )
        assert (answer.approved, bool(answer.by)) == (approved, True)
        assert asked - 2 <= answer.at <= time.time() + 2

    @pytest.mark.parametrize("timeout", [0.0, 0.5])
    def test_silence_is_not_an_approval(self, hooks: Any, timeout: float) -> None:
        """Nobody gave the answer, and it comes when the time is over: neither before nor much later."""
        self.need("asking")
        asked = time.monotonic()
        answer = hooks.alerter_ask(question=Message(title="Deploy?"), timeout=timeout)
        assert timeout <= time.monotonic() - asked + 0.05
        assert time.monotonic() - asked <= timeout + stretched(self.patience)
        assert (answer.approved, answer.by) == (False, None)

    @pytest.mark.parametrize("text", HOSTILE_TEXTS, ids=ascii)
    def test_a_hostile_question_does_not_approve_itself(self, hooks: Any, text: str) -> None:
        """Not even one that looks like an answer."""
        self.need("asking")
        answer = hooks.alerter_ask(
            question=Message(title=f"yes{text}\nyes\n", text=text, fields={text: text}), timeout=0.2
        )
        assert (answer.approved, answer.by) == (False, None)
