"""Several processes that resume one run at the same time."""

from __future__ import annotations

import subprocess
import sys
import time
from random import Random

from faultlab.lab import Lab
from faultlab.processes import kill_group
from faultlab.recovery import STEADY_CALLS, STEADY_RESULT, check_killed, check_whole
from faultlab.tally import Tally

ROUNDS = 4


def test_exactly_one_of_two_resumptions_drives_the_run(lab: Lab, chance: Random, tally: Tally) -> None:
    """Injects: two ``run --resume last`` at the same time, after each of four kills; both are killed again but the last
    time. Proves: no call is executed by both, one gives way with exit code 2 and a message that says who has the run (or finds it
    succeeded), and the run gets to its end."""
    process = lab.start("run", "steady.py", "--stack", "pool")
    while not lab.run_ids():
        assert process.poll() is None
        time.sleep(0.01)
    kill_group(process)
    for number in range(ROUNDS):
        committed = check_killed(lab)
        assert lab.run_ids()
        executed = len(lab.traces())
        pair = [
            subprocess.Popen(
                [sys.executable, "-m", "plugbay", "run", "--resume", "last"],
                cwd=lab.project,
                env=lab.environment(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
            for _ in range(2)
        ]
        tally.fault("resumptions at once")
        if number < ROUNDS - 1:
            time.sleep(chance.uniform(0.5, 0.9))
            for process in pair:
                process.kill()
        told = [process.communicate(timeout=60)[1].decode() for process in pair]
        again = [trace.step for trace in lab.traces()[executed:]]
        assert len(again) == len(set(again)), "a call was executed by both"
        assert not committed & set(again)
        for process, text in zip(pair, told, strict=True):
            assert process.returncode in (0, 2, -9), text
            if process.returncode == 2:
                assert "driven by" in text or "resumed by another process" in text
                assert "Traceback" not in text
    assert 0 in [process.returncode for process in pair]
    check_whole(lab, STEADY_CALLS, ("steady", STEADY_RESULT))
    tally.recovery()
