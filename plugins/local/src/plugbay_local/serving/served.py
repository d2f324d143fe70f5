"""A deployment of this machine: one server after the other answers its requests."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from attrs import frozen

from plugbay_hookspecs.types.deployment import Deployment, DeploymentState
from plugbay_local.serving.generations import HOST, PAUSE, Generations


@frozen
class Served:
    """A deployment, whether there is one or not."""

    generations: Generations
    server: str
    """The module that is run to serve a model."""
    health: str
    """The path at which a server answers 200 to GET."""
    predictions: str
    """The path at which it takes inputs by POST."""

    @property
    def name(self) -> str:
        """Its name, which is its id."""
        return self.generations.directory.name

    def ask(self, path: str, body: bytes | None, timeout: float) -> tuple[int, bytes]:
        """Ask the server: GET without a body, or POST of JSON. Raises ``OSError`` when it does not answer."""
        port = self.generations.port()
        if port is None:
            msg = f"deployment {self.name!r} does not listen yet"
            raise ConnectionRefusedError(msg)
        connection = HTTPConnection(HOST, port, timeout=timeout)
        try:
            connection.request("GET" if body is None else "POST", path, body, {"Content-Type": "application/json"})
            with connection.getresponse() as response:
                return response.status, response.read()
        except HTTPException as error:
            msg = f"deployment {self.name!r} broke off its answer: {type(error).__name__}: {error}"
            raise ConnectionError(msg) from error
        finally:
            connection.close()

    def start(self, given: dict[str, Any], timeout: float, fetch: Callable[[str, Path], Path]) -> None:
        """Start a new generation and wait until it has taken over; the one before answers until then.

        :param fetch: gets a model that is not on this machine, given its URI and a path at which there is nothing.
        """
        generations = self.generations
        generations.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        generations.end_undecided()
        number, before = max(generations.numbers(), default=0) + 1, generations.current()
        generations.forget(number)  # what is left of one that was killed
        printed = generations.log.stat().st_size if generations.log.exists() else 0
        process = generations.process(number)
        command = [sys.executable, "-P", "-u", "-m", self.server, str(number)]
        deadline = time.monotonic() + timeout
        try:
            if given["path"] is None:
                path = fetch(given["uri"], generations.directory / f"{number}.model")
                given = {**given, "path": str(path)}
            generations.give(number, given)
            process.start(command, given["environment"], generations.log)
            while timeout and not self._has_taken_over(number, before):
                if not process.lives() and generations.current() != number:
                    raise RuntimeError(generations.why_not(number, printed))
                if time.monotonic() > deadline:
                    if generations.decide(number):
                        msg = f"deployment {self.name!r} was not ready within {timeout:g} s"
                        raise TimeoutError(msg)
                    if generations.current() == number:
                        break
                time.sleep(PAUSE)
        except BaseException:
            if generations.current() != number:
                process.kill()
                generations.forget(number)
                if not generations.numbers():
                    shutil.rmtree(generations.directory)
            raise
        for old in generations.numbers():
            if old < number and old != generations.current() and not generations.process(old).lives():
                generations.forget(old)

    def _has_taken_over(self, number: int, before: int | None) -> bool:
        """Whether a generation answers, and the one before takes no more requests."""
        generations = self.generations
        if generations.current() != number or (before is not None and not generations.retired(before)):
            return False
        with suppress(OSError):
            return self.ask(self.health, None, 5)[0] == 200
        return False

    def deployment(self) -> Deployment:
        """Tell how it is. Raises ``KeyError`` when there is none."""
        given = self.generations.last_given()
        state, detail = self._state()
        port = self.generations.port() if state in ("running", "starting") else None
        return Deployment(
            id=self.name,
            name=self.name,
            state=state,
            url=None if port is None else f"http://{HOST}:{port}{self.predictions}",
            model=given["uri"],
            detail=detail,
            labels=given["labels"],
        )

    def _state(self) -> tuple[DeploymentState, str]:
        generations = self.generations
        current, living = generations.current(), generations.living()
        latest = max(generations.numbers(), default=0)
        stopped = generations.stopped.exists()
        if current in living and not stopped:
            try:
                code, _ = self.ask(self.health, None, 5)
            except OSError as error:
                if generations.process(current).lives():  # or it went while it was asked
                    return "failed", f"it does not answer: {error}"
                return "failed", generations.why_not(current)
            return ("running", "") if code == 200 else ("failed", f"its health is {code}")
        if latest != current and latest in living:
            return "starting", ""
        return ("stopped", "") if stopped else ("failed", generations.why_not(latest))
