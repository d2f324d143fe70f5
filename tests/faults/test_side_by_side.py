"""Many processes on one store."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from faultlab.lab import Lab
from faultlab.tally import Tally

PROCESSES = 8
RUNS = 5
GRACE = 3.0
"""Longer than any attempt takes from its first blob to its record, even where 9 processes share a core."""


def test_eight_processes_and_a_collector_on_one_store_lose_nothing(lab: Lab, tally: Tally) -> None:
    """Injects: 8 processes with 5 runs each, and garbage collection in a loop beside them, with orphaned blobs of which the
    runs make some again. Proves: all 40 runs are recorded, every artifact is there with its digest and loads, and no
    temporary file or lock is left."""
    orphans = [bytes([number]) * 8192 for number in range(6)]  # the runs make the first three
    for content in orphans:
        digest = hashlib.sha256(content).hexdigest()
        path = lab.store / "blobs" / digest[:2] / digest
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    options = {"cwd": lab.project, "env": lab.environment(), "stderr": subprocess.PIPE, "text": True}
    collector = subprocess.Popen(
        [sys.executable, "collector.py", str(GRACE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options
    )
    workers = [
        subprocess.Popen([sys.executable, "busy.py", f"p{number}", str(RUNS)], **options) for number in range(PROCESSES)
    ]
    tally.fault("processes side by side", PROCESSES + 1)
    for worker in workers:
        _, told = worker.communicate(timeout=120)
        assert worker.returncode == 0, told
    told, wrong = collector.communicate("", timeout=60)
    assert collector.returncode == 0, wrong
    assert int(told.split()[0]) >= 3
    runs = lab.statuses()
    assert len(runs) == PROCESSES * RUNS
    assert set(runs.values()) == {"succeeded"}
    lab.check_store()
    loaded = lab.python(
        "-c",
        "import plugbay\n"
        "for run in plugbay.runs(stack='inline'):\n"
        "    for step in ('shared', 'own', 'size'):\n"
        "        print(step, run[step].output.load() is not None)\n",
    )
    assert loaded.out.splitlines().count("own True") == PROCESSES * RUNS, loaded.err
    assert loaded.out.splitlines().count("shared True") == PROCESSES * RUNS
    assert lab.scratch() == []
    assert list((lab.home / "locks").glob("*.lock")) == []
    tally.recovery()
