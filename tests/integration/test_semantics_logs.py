"""Whatever way a step writes, it is in the step's own log, in order, and in no other: generated sequences of all the ways."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.usefixtures("project"), pytest.mark.timeout(300)]
STEPS, LONGEST = 12, 12


def sequences(seed: int) -> list[list[str]]:
    """For each step the ways in which it writes; every way is in one of them."""
    import writings

    chance = random.Random(seed)
    found = [chance.choices(list(writings.WAYS), k=chance.randint(1, LONGEST)) for _ in range(STEPS)]
    found += [list(writings.WAYS), list(reversed(writings.WAYS)), []]
    chance.shuffle(found)
    return found


def logged(scripts: Any, pipeline: str, workers: int, given: object) -> list[list[str]]:
    """The words in the log of each step, in a process whose standard streams are its own."""
    script = str(Path(__file__).parent / "projects" / "writings.py")
    command = [sys.executable, script, pipeline, str(workers), json.dumps(given)]
    done = subprocess.run(command, cwd=scripts.directory, env=scripts.environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((scripts.directory / "found.json").read_text())
    return [re.findall(r"L\d+-\d+\.", log) for log in found]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("pipeline", "workers"), [("in_a_chain", 1), ("in_a_chain", 2), ("side_by_side", 2)])
def test_each_log_has_what_its_step_wrote_in_order_and_nothing_else(
    scripts: Any, pipeline: str, workers: int, seed: int
) -> None:
    import writings

    given = sequences(seed)
    found = logged(scripts, pipeline, workers, given)
    expected = [[writings.word(number, index) for index in range(len(ways))] for number, ways in enumerate(given)]
    assert [(ways, words) for ways, words, right in zip(given, found, expected, strict=True) if words != right] == []


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_thread_writes_that_outlives_its_step_is_in_no_other_log(scripts: Any, workers: int) -> None:
    import writings

    found = logged(scripts, "with_late_threads", workers, 5)
    for number, (leaving, other) in enumerate(zip(found[::2], found[1::2], strict=True)):
        words = [writings.word(number, 0), writings.word(number, 1)]
        assert leaving in (words[:1], words)
        assert other == words
