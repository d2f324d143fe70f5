"""Runs that two users on several machines drive, kill, pause, cancel and resume, on one store."""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from faultlab.contest import Account, Contest
from faultlab.places import can_contest, machines
from faultlab.tally import Tally
from faultlab.users import Machine

SEED = os.environ.get("PLUGBAY_FAULT_SEED", "20240229")
RUNS = int(os.environ.get("PLUGBAY_FAULT_RUNS", "4"))
"""How many seeded runs there are: set it to 1000 for the long one."""

pytestmark = [
    pytest.mark.skipif(not can_contest(), reason="needs root, setpriv, unshare and a Python that others may run"),
    pytest.mark.timeout(900),
]


@pytest.fixture(scope="module")
def contestants() -> Iterator[tuple[list[Machine], Path]]:
    """Two users on the machine and on two of their own, whose clocks are two minutes ahead and behind."""
    place = Path(tempfile.mkdtemp(prefix="plugbay-contest-")).resolve()
    place.chmod(0o755)
    yield machines(place, silence=4.0, ahead=120.0), place / "effects"
    shutil.rmtree(place, ignore_errors=True)


@pytest.mark.parametrize("number", range(RUNS))
def test_a_contested_run_comes_to_its_end_once(
    contestants: tuple[list[Machine], Path], number: int, tally: Tally
) -> None:
    """Injects: kills, pauses longer than the silence, wakings, interrupts, requests to cancel, and resumptions, several at once, from
    machines with other users, ids, host names, networks and clocks. Proves: the run succeeds with the right result; no step
    begins after it had succeeded, no success is lost, no end is changed."""
    places, effects = contestants
    account = Account()
    try:
        Contest(places, effects, random.Random(f"{SEED}:{number}"), account).play(rounds=6)
    finally:
        for kind, count in account.faults.items():
            tally.fault(kind, count)
        tally.damage(lost=account.lost, twice=account.twice, overwritten=account.overwritten)
    assert (account.lost, account.twice, account.overwritten) == (0, 0, 0)
    tally.recovery()
