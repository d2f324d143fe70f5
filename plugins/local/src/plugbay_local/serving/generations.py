"""The directory of a deployment: its servers, one generation after the other, and what became of each."""

from __future__ import annotations

import json
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import frozen

from plugbay_local.processes.detached import Detached
from plugbay_local.processes.supervisor import write

HOST = "127.0.0.1"
PAUSE = 0.02
"""Seconds between two looks at a server that starts or ends."""


@frozen
class Generations:
    """The servers of a deployment, by the files that stand for them.

    Those of generation N are ``N.json``, what it was given; ``N.sock``, through which it hands its socket on; ``N.decided``,
    ``N.failed`` and ``N.retired``, what became of it; the two of its process, ``server-N.lock`` and ``server-N.pid``; and
    ``N.model``, what was fetched for it, which a generation that starts the deployment again is given, too.
    """

    directory: Path

    @property
    def log(self) -> Path:
        """What all of them print."""
        return self.directory / "log"

    @property
    def stopped(self) -> Path:
        """There while the deployment is stopped."""
        return self.directory / "stopped"

    def numbers(self) -> list[int]:
        """All that are not forgotten, the oldest first."""
        return sorted(int(path.stem) for path in self.directory.glob("*.json") if path.stem.isdecimal())

    def current(self) -> int | None:
        """The generation that answers, or did when the deployment was stopped; ``None`` before the first one."""
        with suppress(FileNotFoundError):
            return int(json.loads((self.directory / "current").read_bytes())["generation"])
        return None

    def make_current(self, number: int) -> None:
        """Tell that a generation answers from now on."""
        self.stopped.unlink(missing_ok=True)
        write(self.directory / "current", {"generation": number})

    def given(self, number: int) -> dict[str, Any]:
        """What a generation was given."""
        given: dict[str, Any] = json.loads((self.directory / f"{number}.json").read_bytes())
        return given

    def last_given(self) -> dict[str, Any]:
        """What the generation that answers was given, or the last one when none ever answered. Raises ``KeyError`` without any."""
        while numbers := self.numbers():
            current = self.current()
            number = current if current in numbers else max(numbers)
            with suppress(FileNotFoundError):  # replaced and forgotten just now
                return self.given(number)
        raise KeyError(self.directory.name)

    def give(self, number: int, given: dict[str, Any]) -> None:
        """Keep what a generation is given, whereby there is one of that number."""
        write(self.directory / f"{number}.json", given)

    def port(self) -> int | None:
        """The port of them all; ``None`` before the first one listens."""
        with suppress(FileNotFoundError):
            return int(json.loads((self.directory / "address").read_bytes())["port"])
        return None

    def set_port(self, port: int) -> None:
        """Keep the port for those that come."""
        write(self.directory / "address", {"port": port})

    def process(self, number: int) -> Detached:
        """The process of a generation."""
        return Detached(self.directory, f"server-{number}")

    def living(self) -> list[int]:
        """Those whose processes live."""
        return [number for number in self.numbers() if self.process(number).lives()]

    def decide(self, number: int) -> bool:
        """Decide what becomes of a generation that starts; whether nobody else has."""
        try:
            (self.directory / f"{number}.decided").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def retire(self, number: int) -> None:
        """Tell that a generation takes no more requests."""
        (self.directory / f"{number}.retired").touch()

    def retired(self, number: int) -> bool:
        """Whether a generation takes no more requests."""
        return (self.directory / f"{number}.retired").exists() or not self.process(number).lives()

    def fail(self, number: int, error: BaseException) -> None:
        """Tell why a generation does not serve."""
        write(self.directory / f"{number}.failed", {"reason": f"{type(error).__name__}: {error}"})

    def why_not(self, number: int, since: int = 0) -> str:
        """Why a generation does not serve, with the end of what was printed behind the first ``since`` bytes."""
        try:
            reason = str(json.loads((self.directory / f"{number}.failed").read_bytes())["reason"])
        except FileNotFoundError:
            reason = "its process is gone, killed or ended with the machine"
        with suppress(FileNotFoundError), self.log.open("rb") as log:
            log.seek(max(since, self.log.stat().st_size - 4000))
            printed = log.read().decode("utf-8", "replace").strip()
            return f"{reason}\n{printed}" if printed else reason
        return reason

    def forget(self, number: int) -> None:
        """Remove the files of a generation that is over, and models that were fetched and no other was given."""
        for path in (*self.directory.glob(f"{number}.*"), *self.directory.glob(f"server-{number}.*")):
            if path.suffix != ".model":
                path.unlink(missing_ok=True)
        used = {part for other in self.numbers() for part in Path(self.given(other)["path"]).parts}
        for fetched in self.directory.glob("*.model"):
            if fetched.name not in used:
                shutil.rmtree(fetched)

    def end_undecided(self) -> None:
        """End those that have begun to start and have not taken over."""
        for number in self.numbers():
            if number != self.current() and self.decide(number):
                self.process(number).kill()

    def end(self, grace: float) -> None:
        """Stop the deployment.

        :param grace: seconds that requests in progress are given.
        """
        self.stopped.touch()
        self.end_undecided()
        deadline = time.monotonic() + grace
        number = signal.SIGTERM if grace else signal.SIGKILL
        while living := self.living():
            for generation in living:
                self.process(generation).signal(number)
            if time.monotonic() > deadline:
                number = signal.SIGKILL
            time.sleep(PAUSE)
        self.stopped.touch()
