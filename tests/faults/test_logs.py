"""What steps print, whatever becomes of them."""

from __future__ import annotations

import pytest
from faultlab.lab import Lab
from faultlab.tally import Tally


@pytest.fixture
def talked(lab: Lab, tally: Tally) -> Lab:
    """A run whose first step is killed by SIGKILL after it has printed 1,000 lines; the others go on."""
    assert lab.plugbay("run", "talk.py", "--stack", "pool").code == 1
    tally.fault("steps killed while printing")
    return lab


def test_all_that_was_printed_is_kept(talked: Lab, tally: Tally) -> None:
    """Injects: a step that kills its own process after 1,000 lines, one that writes bytes which are no text to descriptor 1, and one
    with two child processes of 10,000 lines each. Proves: ``plugbay logs`` gives every line, each child's in order."""
    killed = talked.plugbay("logs", "last", "mortal")
    assert killed.code == 0, killed.err
    assert killed.out.splitlines() == [f"line {number}" for number in range(1000)]

    noise = talked.plugbay("logs", "last", "noise")
    assert noise.code == 0, noise.err
    lines = noise.out.splitlines()
    assert lines[0] == "before"
    assert lines[-1] == "after"
    assert "ABCDEFGHIJKLMNOPQRSTUVWXYZ" in noise.out

    crowd = talked.plugbay("logs", "last", "crowd").out.splitlines()
    for child in ("one", "two"):
        told = [line for line in crowd if line.startswith(f"{child} ")]
        assert told == [f"{child} {number}" for number in range(10_000)]
    assert len(crowd) == 20_000
    tally.recovery()
