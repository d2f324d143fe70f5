"""A project with a home of its own, in which Plugbay is run as a user runs it, and whose store is read file by file."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from faultlab.processes import MARK, gone_within
from plugbay.store.artifacts import blobs_of
from plugbay.store.documents import AttemptRecord, CacheEntry, Driver, EndRecord, RunRecord, read

_HERE = Path(__file__).parent
SHIM = _HERE / "shim"
PROJECT = _HERE.parent / "project"


@frozen
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


@frozen
class Trace:
    """What a step wrote when it was executed."""

    step: str
    attempt: int
    pid: int


class Lab:
    """A project directory, a ``PLUGBAY_HOME``, and a file to which every executed step adds a line."""

    def __init__(self, directory: Path, *, project: Path = PROJECT, store: Path | None = None) -> None:
        self.directory = directory
        self.project = directory / "project"
        self.home = directory / "home"
        self.store = store or self.home / "store"
        self.effects = directory / "effects"
        self.mark = str(directory)
        shutil.copytree(project, self.project, ignore=shutil.ignore_patterns("__pycache__"))
        if store is not None:
            config = (self.project / "plugbay.toml").read_text()
            told = f'artifact_store = {{ flavor = "local", path = "{store}" }}'
            (self.project / "plugbay.toml").write_text(config.replace('artifact_store = "local"', told))

    # -- running ---------------------------------------------------------------------------------------------------

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PLUGBAY_", "FAULTS_"))},
            "PLUGBAY_HOME": str(self.home),
            "FAULTS_EFFECTS": str(self.effects),
            MARK: self.mark,
            **(more or {}),
        }

    @staticmethod
    def shim(**settings: object) -> dict[str, str]:
        """The environment that has the shim inject a fault; see its ``sitecustomize``."""
        path = os.pathsep.join([str(SHIM), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {"PYTHONPATH": path, **{f"FAULTS_{name.upper()}": str(value) for name, value in settings.items()}}

    def start(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Start ``plugbay`` in a session of its own; what it prints goes to files."""
        return self.start_python("-m", "plugbay", *words, env=env)

    def start_python(self, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with tempfile.TemporaryFile() as nothing:
            return subprocess.Popen(
                [sys.executable, *words],
                cwd=self.project,
                env=self.environment(env),
                stdin=nothing,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def plugbay(self, *words: str, env: Mapping[str, str] | None = None) -> Done:
        """Run ``plugbay`` to its end."""
        return self.python("-m", "plugbay", *words, env=env)

    def python(self, *words: str, env: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            [sys.executable, *words],
            cwd=self.project,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=180,
            start_new_session=True,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def left_within(self, seconds: float) -> list[int]:
        """Wait until no process of any command is left; return those that are after ``seconds``."""
        return gone_within(self.mark, seconds)

    def statuses(self) -> dict[str, str]:
        """What ``plugbay runs`` lists: the status of each run."""
        done = self.plugbay("runs", "--limit", "0", "--json")
        assert done.code == 0, done.err
        return {run["id"]: run["status"] for run in json.loads(done.out)}

    # -- reading ---------------------------------------------------------------------------------------------------

    def traces(self) -> list[Trace]:
        """What the executed steps have written, in order."""
        lines = self.effects.read_text().splitlines() if self.effects.exists() else []
        return [Trace(step, int(attempt), int(pid)) for step, attempt, pid in map(str.split, lines)]

    def run_ids(self) -> list[str]:
        """Runs that have a plan."""
        return sorted(path.parent.name for path in (self.store / "runs").glob("*/plan.json"))

    def records(self, run_id: str | None = None) -> list[AttemptRecord]:
        """Every record of a run (the only one), none of which may be torn."""
        paths = (self.store / "runs").glob(f"{run_id or '*'}/steps/*.json")
        return [read(path.read_bytes(), AttemptRecord, str(path)) for path in sorted(paths)]

    def succeeded(self, run_id: str | None = None) -> Counter[str]:
        """How often each call has succeeded, by the records."""
        return Counter(record.step for record in self.records(run_id) if record.status == "succeeded")

    def end(self, run_id: str | None = None) -> EndRecord | None:
        names = ("end.json", "ends/*.json")
        paths = [path for name in names for path in (self.store / "runs").glob(f"{run_id or '*'}/{name}")]
        ends = [read(path.read_bytes(), EndRecord, str(path)) for path in paths]
        return max(ends, key=lambda end: end.driver, default=None)

    def value(self, step: str, run_id: str | None = None) -> Any:
        """The lone output of a step, from its record."""
        (record,) = (r for r in self.records(run_id) if r.step == step and r.status == "succeeded")
        inline = record.outputs[0].inline
        assert inline is not None
        return json.loads(inline)

    def keys(self) -> Iterator[str]:
        """Every object in the store."""
        for path in sorted(self.store.rglob("*")) if self.store.exists() else ():
            key = path.relative_to(self.store).as_posix()
            if path.is_file() and not key.startswith(".scratch/"):
                yield key

    def scratch(self) -> list[str]:
        """What writers have left behind."""
        directory = self.store / ".scratch"
        return sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []

    def check_store(self, *, only: str | None = None) -> None:
        """No document is torn, no blob is another one's, and no success (of one run) lacks a blob."""
        for key in self.keys():
            content = (self.store / key).read_bytes()
            kind, name = key.split("/")[0], key.rpartition("/")[2]
            if kind in ("blobs", "sources"):
                assert hashlib.sha256(content).hexdigest() == name.removesuffix(".zip"), key
            elif kind == "cache":
                read(content, CacheEntry, key)
            elif "/steps/" in key:
                record = read(content, AttemptRecord, key)
                for output in record.outputs if only in (None, record.run_id) else ():
                    for digest in blobs_of(output):
                        assert (self.store / "blobs" / digest[:2] / digest).is_file(), (key, digest)
            elif "/drivers/" in key:
                read(content, Driver, key)
            elif "/ends/" in key:
                read(content, EndRecord, key)
            elif kind == "runs" and not any(
                part in key for part in ("/logs/", "/tasks/", "/beats/", "/in-hand/", "/cancels/")
            ):
                read(content, {"plan.json": RunRecord, "end.json": EndRecord}[name], key)
