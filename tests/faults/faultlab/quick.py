"""A lab whose commands are processes forked from one that has imported everything, under the shim that counts their calls."""

from __future__ import annotations

import os
import re
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from faultlab.control import Control, library
from faultlab.lab import Done, Lab
from faultlab.nursery import Nursery
from faultlab.processes import ended_within
from plugbay.store.artifacts import blobs_of
from plugbay.store.documents import CacheEntry, read

MEMORY = Path("/dev/shm")
WHOLE_CALLS = {"seed", "text", "large", "folder", "sizes", "each.0", "total"}
WHOLE_RESULT = 2 * 9010


class QuickLab(Lab):
    """Its state lies in ``home`` and ``tmp``, and nothing else that a command writes does."""

    def __init__(self, directory: Path, nursery: Nursery) -> None:
        super().__init__(directory)
        self._nursery = nursery
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self._commands = 0
        self._controls: list[Control] = []

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        return super().environment({"TMPDIR": str(self.temporary), **(more or {})})

    def control(self, *, temporary: bool = True, **settings: Any) -> Control:
        """Have calls below ``home`` and (unless not ``temporary``) ``tmp`` counted; see :class:`Control`."""
        below = (self.home, self.temporary) if temporary else (self.home,)
        control = Control(self.directory / f"control-{self._commands}", below, **settings)
        self._controls.append(control)
        return control

    def left_within(self, seconds: float) -> list[int]:
        return ended_within([pid for control in self._controls for pid in control.pids], seconds)

    def begin(self, *words: str, control: Control | None = None, env: Mapping[str, str] | None = None) -> Command:
        """Start a command."""
        self._commands += 1
        out = self.directory / f"out-{self._commands}"
        path = None if control is None else control.path
        pid = self._nursery.start(list(words), cwd=self.project, env=self.environment(env), out=out, control=path)
        return Command(self._nursery, pid, out, control)

    def plugbay(self, *words: str, env: Mapping[str, str] | None = None, control: Control | None = None) -> Done:
        return self.begin(*words, env=env, control=control).end()

    def calls(self, *words: str, **settings: Any) -> list[str]:
        """The calls that a command makes, in order."""
        trace = self.directory / "trace"
        done = self.plugbay(*words, control=self.control(trace=trace, **settings))
        assert done.code == 0, done.err
        return [normalised(line.split(" ", 2)[2], self) for line in trace.read_text().splitlines()]

    def leftovers(self) -> list[str]:
        """Temporary files of any kind, but for the standard library's own: the socket of a fork server, and the file with which
        ``tempfile`` tries a directory."""
        directories = (
            self.home / "locks",
            self.home / "logs",
            self.temporary,
            self.store / ".scratch",
            self.store / "sweeps",
        )
        found = [path for directory in directories if directory.is_dir() for path in sorted(directory.rglob("*"))]
        named = [path.relative_to(self.directory).as_posix() for path in found]
        return [name for name in named if not re.match(r"tmp/(pymp-[^/]+(/listener-[^/]+)?|[a-z0-9_]{8})$", name)]

    def orphans(self) -> set[str]:
        """Blobs to which no record and no cache entry refers."""
        needed = {digest for record in self.records() for digests in record.inputs.values() for digest in digests}
        needed |= {digest for record in self.records() for output in record.outputs for digest in blobs_of(output)}
        for path in (self.store / "cache").rglob("*.json"):
            entry = read(path.read_bytes(), CacheEntry, str(path))
            needed |= {digest for output in entry.outputs for digest in blobs_of(output)}
        return {path.name for path in (self.store / "blobs").rglob("*") if path.is_file()} - needed


class Command:
    """A command that has been started."""

    def __init__(self, nursery: Nursery, pid: int, out: Path, control: Control | None) -> None:
        self._nursery, self.pid, self._out, self._control = nursery, pid, out, control

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *exception: object) -> None:
        """End it and all that it has started, if what was to be done with it went wrong."""
        if exception[0] is not None:
            for pid in {self.pid, *(self._control.pids if self._control is not None else ())}:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def end(self) -> Done:
        """Wait for its end."""
        code = self._nursery.wait(self.pid)
        err = self._out.with_name(f"{self._out.name}.err")
        return Done(code, self._out.read_text(errors="replace"), err.read_text(errors="replace"))


@contextmanager
def quick_labs() -> Iterator[QuickLabs]:
    """Labs on a file system in memory, where there is one: what a kill leaves is the same there."""
    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="plugbay-faults-", dir=place))
    try:
        with Nursery(directory / "nursery", library()) as nursery:
            yield QuickLabs(directory, nursery)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        shutil.rmtree(library().parent, ignore_errors=True)
        library.cache_clear()


class QuickLabs:
    """Makes labs."""

    def __init__(self, directory: Path, nursery: Nursery) -> None:
        self._directory, self._nursery = directory, nursery
        self._made = 0
        lab = self._make()
        nursery.warm(["run", "whole.py", "--stack", "pool"], cwd=lab.project, env=lab.environment())

    def _make(self) -> QuickLab:
        self._made += 1
        return QuickLab(self._directory / f"lab-{self._made}", self._nursery)

    @contextmanager
    def lab(self) -> Iterator[QuickLab]:
        """A lab that is gone afterwards, unless what was done in it has failed."""
        lab = self._make()
        yield lab
        shutil.rmtree(lab.directory)


def normalised(what: str, lab: Lab) -> str:
    """A call as a text that is the same in any run."""
    what = what.replace(str(lab.directory), "").replace(str(lab.directory.parent), "")
    what = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "RUN", what)
    what = re.sub(r"#\d+ \(deleted\)", "UNNAMED", what)
    return re.sub(r"(artifact-|plugbay-fetched-|pymp-|listener-|put-|tmp|/tmp/)[a-z0-9_]{8,16}", r"\1NAME", what)


def stopped(control: Control, seconds: float = 20.0) -> bool:
    """Wait until the process that meets the fault stands still."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(OSError):
            if control.met and Path(f"/proc/{control.met}/stat").read_text().rpartition(")")[2].split()[0] == "T":
                return True
        time.sleep(0.001)
    return False
