"""What a loss of power has left of a lab, and what has to hold of it."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from faultlab.disk import Crash, materialise
from faultlab.lab import Lab
from plugbay import Stack
from plugbay.errors import StoreError
from plugbay.execution.caching import find_cached
from plugbay.execution.driver import resume
from plugbay.execution.resuming import resumption
from plugbay.history.reader import Reader
from plugbay.store.documents import AttemptRecord, CacheEntry, EndRecord, RunRecord, read

KINDS = {"plan.json": RunRecord, "end.json": EndRecord}


class Aftermath:
    """A lab's home as a crash has left it."""

    def __init__(self, lab: Lab, crash: Crash, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        materialise({path: content for path, content in crash.state.items() if path != "effects"}, directory)
        self.crash, self.directory, self.project = crash, directory, lab.project
        self.store, self.effects = directory / "home" / "store", directory / "effects"
        monkeypatch.setenv("PLUGBAY_HOME", str(directory / "home"))
        monkeypatch.setenv("FAULTS_EFFECTS", str(self.effects))

    def executed(self) -> list[str]:
        lines = self.effects.read_text().splitlines() if self.effects.exists() else []
        return [line.split()[0] for line in lines]

    def check_promises(self) -> None:
        """What a durable write had returned for is there, to the byte."""
        for path, content in self.crash.promised.items():
            found = self.directory / path
            assert found.is_file(), f"after call {self.crash.at}: {path} is lost"
            assert found.read_bytes() == content, f"after call {self.crash.at}: {path} is torn"

    def check_documents(self, whole: dict[str, set[bytes]]) -> int:
        """Each document is what was written once, or reported as damaged. Return how many are."""
        damaged = 0
        for path in self.store.rglob("*.json"):
            key = path.relative_to(self.store).as_posix()
            kind = CacheEntry if key.startswith("cache/") else KINDS.get(path.name, AttemptRecord)
            if "/drivers/" in key:
                continue
            kind = EndRecord if "/ends/" in key else kind
            content = path.read_bytes()
            try:
                read(content, kind, key)
            except StoreError:
                damaged += 1
                assert content not in whole[key]
            else:
                assert content in whole[key], f"{key} is taken for a record, and was never written like that"
        return damaged


def whole_objects(log: Path, lab: Lab) -> dict[str, set[bytes]]:
    """By key, all that was ever written there."""
    whole: dict[str, set[bytes]] = {}
    for event in map(json.loads, log.read_text().splitlines()):
        if event["op"] == "put":
            key = os.path.relpath(event["path"], lab.store)
            whole.setdefault(key, set()).add(base64.b64decode(event["data"]))
    return whole


def recover_here(pipeline: Any, run_id: str | None) -> Any:
    """Do what ``plugbay run [--resume]`` does, in this process."""
    stack = Stack.load("inline")
    if run_id is None:
        return pipeline.run(stack=stack)
    reader = Reader(stack)
    record = reader.run_record(run_id)
    if reader.status(record, reader.end_record(run_id)) == "succeeded":
        import plugbay

        return plugbay.get_run(run_id, stack=stack)
    finished = frozenset(found.step for found in reader.attempts(run_id) if found.status == "succeeded")
    return resume(record, resumption(record, finished).compiled, stack)


def check_torn_entries(after: Aftermath, whole: dict[str, set[bytes]]) -> None:
    """A cache entry that is not what was written is a miss, and so is one whose blobs are gone."""
    stack = Stack.load("inline")
    with stack:
        for path in (after.store / "cache").rglob("*.json"):
            key = path.relative_to(after.store).as_posix()
            hit = find_cached(path.stem, stack.artifact_store, Reader(stack).artifacts)
            assert (hit is not None) == (path.read_bytes() in whole[key]), key
