"""Runs that several users on several machines drive, kill, pause, cancel and resume, on one store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from random import Random

from attrs import Factory, define

from faultlab.users import Machine, end

CALLS = {"one", "many.0", "many.1", "many.2", "total", "last"}
RESULT = 18
_PATIENCE = 400.0


@define
class Account:
    """What was done to the runs, and what became of them."""

    faults: Counter[str] = Factory(Counter)
    recovered: int = 0
    lost: int = 0
    twice: int = 0
    overwritten: int = 0

    def line(self) -> str:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.faults.items()))
        return (
            f"faults injected: {sum(self.faults.values())} ({kinds}); runs recovered: {self.recovered}; steps lost: {self.lost}; "
            f"steps run twice: {self.twice}; ends overwritten: {self.overwritten}"
        )


class Contest:
    """One run, and all that happens to it."""

    def __init__(self, machines: Sequence[Machine], effects: Path, chance: Random, account: Account) -> None:
        self.machines, self.effects, self.chance, self.account = machines, effects, chance, account
        self.store = machines[0].store
        self.stack = chance.choice(["inline", "pool"])
        self.name = f"contest-{chance.random()}"
        self.seen: dict[Path, bytes] = {}
        self.paused: list[subprocess.Popen[str]] = []
        self.running: list[subprocess.Popen[str]] = []
        self.directory = Path()
        self.said: list[str] = []

    # -- looking ---------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Remember every end and every success; count those that were there and are not, or are not what they were."""
        for path, content in list(self.seen.items()):
            now = path.read_bytes() if path.exists() else b""
            if now != content:
                if "/steps/" in str(path):
                    self.account.lost += 1
                else:
                    self.account.overwritten += 1
                self.seen[path] = now
        for path in [
            *self.directory.glob("steps/*.json"),
            *self.directory.glob("end.json"),
            *self.directory.glob("ends/*.json"),
        ]:
            with suppress(FileNotFoundError):
                content = path.read_bytes()
                if "steps" not in path.parts or json.loads(content)["status"] == "succeeded":
                    self.seen.setdefault(path, content)

    def succeeded(self) -> bool:
        return any(
            json.loads(path.read_bytes())["status"] == "succeeded"
            for path in [*self.directory.glob("end.json"), *self.directory.glob("ends/*.json")]
        )

    # -- acting ----------------------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        return {
            "PLUGBAY_STACK": self.stack,
            "CONTESTED_STORE": str(self.store),
            "CONTESTED_EFFECTS": str(self.effects),
        }

    def play(self, rounds: int) -> None:
        """Begin a run, do ``rounds`` things to it, and see that it comes to its end."""
        starter = self.chance.choice(self.machines)
        self.running.append(
            starter.start("run", "contested.py", "-p", "seconds=0.3", "-p", f"name={self.name}", **self.environment())
        )
        try:
            self.directory = self._begun(starter)
            for _ in range(rounds):
                if self.succeeded():
                    break
                time.sleep(self.chance.uniform(0.05, 1.5))
                self._injure()
                self._resume(self.chance.choice([1, 1, 2]))
                self.look()
            self._finish()
        finally:
            for process in [*self.running, *self.paused]:
                end(process)

    def _injure(self) -> None:
        alive = [process for process in self.running if process.poll() is None and process not in self.paused]
        kind = self.chance.choice(["killed", "paused", "cancelled", "interrupted", "woken", "left alone"])
        if kind == "cancelled":
            self.chance.choice(self.machines).run("cancel", self.directory.name, **self.environment())
        elif kind == "woken":
            self._wake()
        elif kind != "left alone" and alive:
            process = self.chance.choice(alive)
            number = {"killed": signal.SIGKILL, "paused": signal.SIGSTOP, "interrupted": signal.SIGINT}[kind]
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            if kind == "paused":
                self.paused.append(process)
        self.account.faults[f"drivers {kind}"] += 1

    def _wake(self) -> None:
        for process in self.paused:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGCONT)
        self.paused.clear()

    def _resume(self, count: int) -> None:
        for _ in range(count):
            machine = self.chance.choice(self.machines)
            words = ("run", "--resume", self.directory.name)
            self.running.append(machine.start(*words, **self.environment()))
            self.account.faults["resumptions"] += 1

    def _finish(self) -> None:
        self._wake()
        limit = time.monotonic() + _PATIENCE
        while not self.succeeded():
            assert time.monotonic() < limit, f"{self.directory} has not succeeded: {self.said}"
            if all(process.poll() is not None for process in self.running):
                self._resume(1)
            time.sleep(0.2)
            self.look()
        for process in self.running:
            with suppress(subprocess.TimeoutExpired):
                self.said.append(process.communicate(timeout=_PATIENCE)[0])
        self.look()
        self._check()

    def _check(self) -> None:
        lines = [line.split() for line in self.effects.read_text().splitlines() if line.startswith(self.directory.name)]
        self.account.twice += sum(1 for line in lines if line[3] == "again")
        records = [json.loads(path.read_bytes()) for path in self.directory.glob("steps/*.json")]
        done = {record["step"]: record for record in records if record["status"] == "succeeded"}
        assert set(done) == CALLS, self.said
        assert json.loads(done["last"]["outputs"][0]["text"]) == RESULT, done["last"]
        assert not any("internal error" in said for said in self.said), self.said
        self.account.recovered += 1

    def _begun(self, starter: Machine) -> Path:
        """The directory of the run that was just started; others start theirs at the same time, each with a name of its own."""
        limit = time.monotonic() + _PATIENCE
        while time.monotonic() < limit:
            for path in self.store.glob("runs/*/plan.json"):
                if json.loads(path.read_bytes())["plan"]["parameters"]["name"] == self.name:
                    return path.parent
            assert self.running[0].poll() is None, self.running[0].communicate()[0]
            time.sleep(0.05)
        msg = f"no run has begun on {starter}"
        raise AssertionError(msg)
