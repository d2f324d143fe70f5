"""Which tasks have begun, told to the run: a step's timeout does not count the time that its task waits for room.

Ray tells nobody when a task begins, so a task whose step has a timeout says so to an actor, which the driver asks.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from plugbay_hookspecs.types.execution import LiveRun, ReadyStep

_log = logging.getLogger("plugbay")


class Board:
    """The actor: tasks note that they have begun, and the driver takes the notes."""

    def __init__(self) -> None:
        """Begin with none."""
        self._notes: asyncio.Queue[str] = asyncio.Queue()

    async def note(self, key: str) -> None:
        """The task of this key has begun."""
        self._notes.put_nowait(key)

    async def take(self) -> list[str]:
        """Take out the notes; wait for the first."""
        notes = [await self._notes.get()]
        while not self._notes.empty():
            notes.append(self._notes.get_nowait())
        return notes


class Beginnings:
    """Tells a run when its steps begin, while the context lasts. A run without a timeout has no actor."""

    def __init__(self, run: LiveRun) -> None:
        """Listen to the tasks of ``run``."""
        self._run = run
        self._steps: dict[str, ReadyStep] = {}
        self._board: Any = None
        self._over = False
        self._thread = threading.Thread(target=self._listen, name="plugbay-beginnings", daemon=True)

    def expect(self, step: ReadyStep) -> tuple[Any, str] | None:
        """What the step's task notes at its beginning, and where; ``None`` where nobody need know."""
        if step.timeout is None:
            return None
        key = f"{step.info.step}.{step.info.attempt}"
        self._steps[key] = step
        return self._board, key

    def __enter__(self) -> Self:
        if any(step.timeout is not None for step in self._run.plan.steps):
            import ray

            self._board = ray.remote(num_cpus=0)(Board).remote()
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._board is not None:
            import ray

            self._over = True
            with suppress(Exception):  # the connection may be lost, and the actor with it
                ray.kill(self._board)
                self._thread.join()

    def _listen(self) -> None:
        import ray

        try:
            while True:
                for key in ray.get(self._board.take.remote()):
                    step = self._steps.pop(key, None)
                    if step is not None:
                        self._run.started(step)
        except Exception as error:  # noqa: BLE001  steps go on, and end by themselves at their timeouts
            if not self._over:
                _log.warning("nobody is told any more when steps begin: %s", error)
