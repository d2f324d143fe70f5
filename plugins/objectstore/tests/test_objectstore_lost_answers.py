"""Runs whose store loses requests and answers, of conditional writes above all, while their drivers are killed again and again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from front import Fate, front
from machine import Machine

from plugbay_objectstore.s3 import S3ArtifactStore

RUNS = 3
KILLS = 5
CONDITIONAL, OTHER = 0.3, 0.05
"""How often the answer to a conditional write, or to any other request, is lost; half as often, the request itself."""


class Losses:
    """Decides by a generator of its own what is lost, and counts it."""

    def __init__(self, chance: random.Random) -> None:
        self._chance, self._lock = chance, threading.Lock()
        self.counts: Counter[str] = Counter()

    def fate_of(self, method: str, headers: Mapping[str, str]) -> Fate:
        conditional = method == "PUT" and any(name.lower() == "if-none-match" for name in headers)
        often = CONDITIONAL if conditional else OTHER
        with self._lock:
            drawn = self._chance.random()
            fate: Fate = "answer lost" if drawn < often else "request lost" if drawn < 1.5 * often else "passed"
            if fate != "passed":
                self.counts[f"{'conditional ' if conditional else ''}{fate}"] += 1
        return fate


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("seed", range(RUNS))
def test_lost_answers_lose_no_step_run_none_twice_and_change_no_end(
    s3_settings: dict[str, Any], s3_store: S3ArtifactStore, tmp_path: Path, seed: int
) -> None:
    """The driver is killed five times at random instants, and each time the run is resumed; the sixth driver ends it."""
    chance = random.Random(seed)
    losses = Losses(chance)

    def documents() -> dict[str, bytes]:
        """The successes and the ends in the bucket."""
        found = {}
        for entry in s3_store.artifact_store_list(prefix="runs/", after=None, recursive=True):
            if "/steps/" in entry.key or "/end" in entry.key:
                content = s3_store.artifact_store_get(key=entry.key)
                if "/steps/" not in entry.key or json.loads(content)["status"] == "succeeded":
                    found[entry.key] = content
        return found

    with front(s3_settings["endpoint"], losses.fate_of) as endpoint:
        machine = Machine.at(tmp_path / "machine", {**s3_settings, "endpoint": endpoint})
        words = ["run", "wide.py:wide", "-p", "count=8", "-p", "seconds=0.2"]
        kept: dict[str, bytes] = {}
        killed = 0
        for _ in range(KILLS):
            process = machine.start("-m", "plugbay", *words)
            try:
                out, err = process.communicate(timeout=chance.uniform(1.0, 3.5))
                assert process.returncode == 0, out + err
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                killed += 1
            time.sleep(0.5)  # a request that was on its way may still arrive
            now = documents()
            assert {key: now.get(key) for key in kept} == kept
            kept = now
            if machine.json("runs"):
                words = ["run", "--resume", "last"]
        machine.plugbay(*words)
        assert [run["status"] for run in machine.json("runs")] == ["succeeded"]
    now = documents()
    assert {key: now.get(key) for key in kept} == kept
    succeeded = Counter(key.rpartition("/")[2].rsplit(".", 2)[0] for key in now if "/steps/" in key)
    assert succeeded == dict.fromkeys(["numbers", *(f"work.{index}" for index in range(8)), "folder", "total"], 1)
    assert losses.counts.total() > 0
    print(f"seed {seed}: {killed} drivers killed, {dict(losses.counts)}")
