"""A peer's turn: its cases in processes of their own, in a home that nobody has used, each beside Plugbay's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalogue import CASES, VARIABLES, Case, Peer
from environments import Environment

TIME_LIMIT = 1800
"""Seconds a process may take."""


@dataclass(frozen=True)
class Sample:
    """One process of one case."""

    peer: str
    case: str
    round: int
    beside: str
    """The peer whose turn it was."""
    seconds_process: float
    seconds_total: float | None = None
    """What the script measured; ``None`` when it did not run the case."""
    steps: int | None = None
    without: str | None = None
    """Why the peer has no such case."""
    failure: str | None = None

    def figure(self, case: Case) -> float | None:
        """The figure in the unit of the case."""
        if self.seconds_total is None or self.steps is None:
            return None
        if case.whole_process:
            return self.seconds_process * 1e3
        return self.seconds_total * 1e3 / self.steps if case.unit == "ms/step" else self.seconds_total


def take_turn(
    number: int, players: Sequence[tuple[Peer, Environment]], guest: Peer, directory: Path
) -> Iterator[Sample]:
    """Run every case of this round, each by one player after the other.

    :param guest: the player whose turn it is; the other one is Plugbay.
    :param directory: where the homes are made: on a disk, because in memory a flush costs nothing.
    """
    with tempfile.TemporaryDirectory(prefix="homes-", dir=directory, ignore_cleanup_errors=True) as made:
        homes = {peer.name: Path(made, peer.name) for peer, _ in players}
        for home in homes.values():
            for folder in ("work", "dagster"):
                (home / folder).mkdir(parents=True)
        seed = number * 10_000
        for position, case in enumerate(CASES):
            # The second chain is the first one again; all the other cases have numbers that nobody has seen.
            own = seed + 1_000 * (position - (case.name == "again"))
            for peer, environment in players:
                yield _run(peer, environment, homes[peer.name], case, own, (number, guest.name))


def _run(peer: Peer, environment: Environment, home: Path, case: Case, seed: int, turn: tuple[int, str]) -> Sample:
    # Not in the home: the path of a socket may have about 100 characters only.
    with tempfile.TemporaryDirectory(prefix="peers-", ignore_cleanup_errors=True) as temporary:
        return _run_in(Path(temporary), peer, environment, home, case, seed, turn)


def _run_in(
    temporary: Path, peer: Peer, environment: Environment, home: Path, case: Case, seed: int, turn: tuple[int, str]
) -> Sample:
    variables = VARIABLES | {
        "PATH": os.pathsep.join([str(environment.python.parent), os.environ.get("PATH", os.defpath)]),
        "HOME": str(home),
        "TMPDIR": str(temporary),
        **{name: value.format(home=home) for name, value in peer.variables.items()},
    }
    command = [str(environment.python), str(peer.script), case.name, str(seed)]
    outputs = home / f"{case.name}.out", home / f"{case.name}.err"
    with outputs[0].open("wb") as out, outputs[1].open("wb") as err:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=home / "work",
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            status: int | None = process.wait(TIME_LIMIT)
        except subprocess.TimeoutExpired:
            status = None
        finally:
            seconds = time.perf_counter() - start
            _end(process)
    printed, complaints = (path.read_text(errors="replace") for path in outputs)
    answer = _answer(printed) if status == 0 else None
    failure = None
    if status is None:
        failure = f"did not end within {TIME_LIMIT} seconds"
    elif answer is None:
        failure = f"ended with {status}: {_last_words(complaints or printed)}"
    known = answer or {}
    return Sample(
        peer.name,
        case.name,
        *turn,
        seconds,
        seconds_total=known.get("seconds_total"),
        steps=known.get("steps"),
        without=known.get("without"),
        failure=failure,
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what the process has left running in its own session, such as a server."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        if number == signal.SIGTERM:
            time.sleep(0.5)
    process.wait()


def _answer(printed: str) -> dict[str, Any] | None:
    """Return the last line that is a case's, among whatever the peer printed."""
    for line in reversed(printed.splitlines()):
        if line.startswith('{"case"'):
            found: dict[str, Any] = json.loads(line)
            return found
    return None


def _last_words(text: str) -> str:
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-400:] or "nothing was printed"
