"""Computing a call anew whose answer from the cache turns out to be one that the steps which need it cannot read.

A class of a library may have moved since, or a function that reads a pickle raises: this shows only where the value is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from plugbay.execution.schedule import Call, Schedule
from plugbay.pipelines.compiling import outputs_in


class Renewal:
    """Which calls are computed anew, once each in a run, and which calls wait for them."""

    def __init__(self, schedule: Schedule, answered: dict[str, Call]) -> None:
        """Begin with none.

        :param answered: the calls that earlier attempts have answered, by their ids.
        """
        self._schedule, self._answered = schedule, answered
        self._open: dict[str, Call] = {}
        self._waiting: list[Call] = []

    def is_due(self, call: Call) -> bool:
        """Whether the call has to be computed although an earlier attempt answers it."""
        return call.id in self._open

    def wanted(self, call: Call, unreadable: Iterable[str]) -> Sequence[Call] | None:
        """The calls to start before ``call`` is tried again; ``None`` where trying it again would not help.

        :param unreadable: the digests of the artifacts that could not be read.
        """
        makers = {maker.id: maker for digest in unreadable for maker in self._makers(call, digest)}
        if not makers and self._schedule.renewed(call).inputs == call.inputs:
            return None
        self._waiting.append(call)
        fresh = [maker for maker in makers.values() if maker.id not in self._open]
        self._open.update(makers)
        return fresh

    def ended(self, call: Call) -> None:
        """Take in that the call has ended, if it was computed anew."""
        if self._open.pop(call.id, None) is not None:
            del self._answered[call.id]

    def resumed(self) -> list[Call]:
        """The calls that can be tried again, with what was computed anew."""
        if self._open:
            return []
        waiting, self._waiting = self._waiting, []
        return [self._schedule.renewed(call) for call in waiting if call.step.id not in self._schedule.summaries]

    def _makers(self, call: Call, digest: str) -> list[Call]:
        """The calls that were answered with an output of the digest, which ``call`` takes."""
        needed = {output.step for binding in call.step.inputs.values() for output in outputs_in(binding)}
        return [
            other
            for other in self._answered.values()
            if other.step.id in needed and digest in self._schedule.digests_of(other)
        ]
