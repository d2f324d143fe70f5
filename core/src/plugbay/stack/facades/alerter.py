"""The typed facade of the stack's alerters."""

from __future__ import annotations

from attrs import evolve

from plugbay.errors import PluginError
from plugbay.masking import masked_value
from plugbay.stack.facades.addressed import ToSeveral
from plugbay_hookspecs.types import Answer, Message


class Alerter(ToSeveral):
    """How people are told, and asked; see :mod:`plugbay_hookspecs.alerter` for what each call promises."""

    def post(self, message: Message) -> None:
        """Tell people through every alerter; one that fails is reported and stops nothing."""
        message = _masked(message)
        for component in self._components:
            self._host.tell_one(component, "alerter_post", message=message)

    def ask(self, question: Message, *, timeout: float = 3600.0) -> Answer:
        """Ask people through the first alerter that can, and wait for their answer.

        An alerter that cannot put the question passes it on to the next. Raises its error when there is no next one, and
        :class:`PluginError` when there is no alerter that asks.
        """
        question = _masked(question)
        failure: Exception | None = None
        for component in self._components:
            try:
                answer: Answer | None = self._host.one(component, "alerter_ask", question=question, timeout=timeout)
            except Exception as error:  # noqa: BLE001  whatever it raises, another one may be able to ask
                failure = failure or error
            else:
                if answer is not None:
                    return answer
        if failure is not None:
            raise failure
        asked = ", ".join(component.id for component in self._components) or "none, the stack has none"
        msg = f"no alerter can ask people {question.title!r} (asked: {asked})"
        raise PluginError(msg)


def _masked(message: Message) -> Message:
    """A person is sent what records may hold, too."""
    return evolve(
        message,
        title=masked_value(message.title),
        text=masked_value(message.text),
        link=masked_value(message.link),
        fields=masked_value(message.fields),
    )
