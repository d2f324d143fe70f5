"""Garbage that is collected in the very moment in which a step meets it and needs it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from faultlab.here import here
from faultlab.lab import Lab
from faultlab.tally import Tally

from plugbay import Stack

ROUNDS = 60
GRACE = 60.0
COLLECTOR = """\
import sys
from plugbay import Stack
from plugbay.history.garbage import collect
from plugbay.stack.facades.artifact_store import ArtifactStore

def stop(point):
    print(point, flush=True)
    sys.stdin.readline()

for name in ("list", "stat", "delete", "local_path"):
    def replace(real, name):
        def call(store, *args, **options):
            stop(name)
            result = real(store, *args, **options)
            return result
        return call
    setattr(ArtifactStore, name, replace(getattr(ArtifactStore, name), name))
for _ in sys.stdin:
    collect(Stack.load("inline"), grace=float(sys.argv[1]))
    print("over", flush=True)
"""


class Collector:
    """Another process that collects garbage, and waits at each call of the store until it is let on."""

    def __init__(self, lab: Lab) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", COLLECTOR, str(GRACE)],
            cwd=lab.project,
            env=lab.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def on(self) -> str:
        """Let it go on; return before which call it waits, or ``over``."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline().strip()
        assert told, "the collector has died"
        return told

    def end(self) -> int:
        self._process.communicate(timeout=30)
        return self._process.returncode


def old_blob(lab: Lab, content: bytes) -> Path:
    digest = hashlib.sha256(content).hexdigest()
    path = lab.store / "blobs" / digest[:2] / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (time.time() - 2 * GRACE,) * 2)
    return path


def test_a_blob_that_a_step_has_just_met_is_never_collected(lab: Lab, chance: Random, tally: Tally) -> None:
    """Injects: a write that meets an old blob no run refers to, before a random call of a collection in another process; each kind
    of call is met, the removal itself too. Proves: the blob is there afterwards, to the byte; one that nobody met is removed."""
    lab.store.mkdir(parents=True)
    collector = Collector(lab)
    met: set[str] = set()
    with here(lab):
        stack = Stack.load("inline")
        with stack:
            for number in range(ROUNDS):
                wanted, waste = (bytes([kind, number]) * 4096 for kind in (1, 2))
                path, other = old_blob(lab, wanted), old_blob(lab, waste)
                at, calls, point = chance.randrange(12), 0, collector.on()
                while point != "over":
                    if calls == at:
                        stack.artifact_store.put(path.relative_to(lab.store).as_posix(), wanted, if_absent=True)
                        met.add(point)
                        tally.fault("blobs met while they are collected")
                    calls += 1
                    point = collector.on()
                if calls > at:
                    assert path.read_bytes() == wanted, f"round {number}: collected after call {at}"
                    tally.recovery()
                assert not other.exists()
                path.unlink(missing_ok=True)
    assert collector.end() == 0
    assert met >= {"list", "local_path", "stat", "delete"}
    assert lab.scratch() == []
