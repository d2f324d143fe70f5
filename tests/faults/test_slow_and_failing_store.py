"""Disks that are slow, that deny, and that fail when they are read; ``test_every_write`` has those that halt or fail to be written."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from faultlab.control import Class, Kind
from faultlab.here import here
from faultlab.lab import Done, Lab
from faultlab.processes import kill_group
from faultlab.quick import QuickLabs
from faultlab.recovery import SMALL_CALLS, SMALL_RESULT, check_killed, check_whole, resume_to_the_end
from faultlab.tally import Tally

import plugbay

SLOW = """\
import os, sys, time
real = os.fsync
def fsync(file):
    time.sleep(float(os.environ["FAULTS_SLOW"]))
    real(file)
os.fsync = fsync
from plugbay.cli.entry import main
sys.exit(main(sys.argv[1:]))
"""
PAUSE = 0.05


def slow_run(lab: Lab, *words: str) -> list[str]:
    script = lab.directory / "slow.py"
    script.write_text(SLOW)
    return [str(script), "run", *words]


@pytest.mark.parametrize("stack", ["pool", "inline"])
def test_a_run_on_a_slow_disk_succeeds(stack: str, lab: Lab, tally: Tally) -> None:
    """Injects: 50 ms before each flush, in the driver (and so in every write of an inline run). Proves: the run succeeds with all
    its records, and while it goes on it is shown as running and never as anything else."""
    process = lab.start_python(*slow_run(lab, "small.py", "--stack", stack), env={"FAULTS_SLOW": str(PAUSE)})
    tally.fault("slow disks")
    seen = set()
    with here(lab):
        while process.poll() is None:
            seen |= {run.status for run in plugbay.runs(stack=stack)}
            os.sched_yield()
    assert process.wait() == 0
    assert seen <= {"running", "succeeded"}
    assert "running" in seen
    check_whole(lab, SMALL_CALLS, ("small", SMALL_RESULT))
    tally.recovery()


def test_a_run_that_is_killed_on_a_slow_disk_is_resumed(make_lab: Callable[[str], Lab], tally: Tally) -> None:
    """Injects: 50 ms before each flush, and SIGKILL after the plan, the second and the fourth record. Proves: what was recorded is kept."""
    for records in range(0, 6, 2):
        lab = make_lab(f"slow-{records}")
        process = lab.start_python(*slow_run(lab, "small.py", "--stack", "inline"), env={"FAULTS_SLOW": str(PAUSE)})
        while len(lab.records()) < records or not lab.run_ids():
            assert process.poll() is None
        kill_group(process)
        tally.fault("slow disks")
        committed = check_killed(lab)
        assert len(committed) >= records
        resume_to_the_end(lab, committed, SMALL_CALLS, ("small", SMALL_RESULT), tally, stack="inline")


@pytest.fixture
def ran(lab: Lab) -> Lab:
    """A lab with one run."""
    assert lab.plugbay("run", "small.py", "--stack", "inline").code == 0
    return lab


def check_refused(done: Done, what: str) -> None:
    assert done.code in (1, 2), (done.code, done.err)
    assert what in done.err
    assert "internal error" not in done.err
    assert "Traceback" not in done.err


FAILING = """\
import errno, io, os, sys
below, at, kind = sys.argv[1], sys.argv[2], getattr(errno, sys.argv[3])
count = 0
def meet(path):
    global count
    if path == below or path.startswith(below + "/"):
        count += 1
        if at in ("all", str(count)):
            raise OSError(kind, os.strerror(kind), path)
def where(path, *_, dir_fd=None, **__):
    start = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else os.getcwd()
    return os.readlink(f"/proc/self/fd/{path}") if isinstance(path, int) else os.path.join(start, os.fspath(path))
def spoil(name):
    real = getattr(os, name)
    def call(*args, **options):
        meet(where(*args, **options))
        return real(*args, **options)
    setattr(os, name, call)
from plugbay.cli.entry import main
import plugbay_local.objects.reading as reading
class FileIO(io.FileIO):
    def readall(self):
        meet(where(self.fileno()))
        return super().readall()
reading.io = type("io", (), {**vars(io), "FileIO": FileIO})
for name in ("open", "scandir", "stat"):
    spoil(name)
code = main(sys.argv[4:])
sys.stdout.flush()
print("looks:", count, file=sys.stderr)
sys.exit(code)
"""


def spoiled(lab: Lab, below: Path, at: int | str, kind: str, *words: str) -> tuple[Done, int]:
    """Run a command in which one look at what is there fails. Return what became of it, and how many looks there were."""
    script = lab.directory / "failing.py"
    script.write_text(FAILING)
    done = lab.python(str(script), str(below), str(at), kind, *words, "--stack", "inline")
    told = done.err.rpartition("looks: ")[2]
    return done, int(told) if told.strip().isdecimal() else 0


@pytest.mark.parametrize("place", ["", "runs", "blobs", ".scratch", "cache"])
def test_a_part_of_the_store_that_is_denied_is_named(place: str, ran: Lab, tally: Tally) -> None:
    """Injects: EACCES at every look at a directory of the store. Proves: one error that names it (a cache that cannot be read is a
    miss), no traceback, and all is as before once the permission is back."""
    done, _ = spoiled(ran, ran.store / place, "all", "EACCES", "run", "small.py", "-p", "number=9")
    tally.fault("EACCES")
    if place == "cache" or (
        place == ".scratch" and hasattr(os, "O_TMPFILE")
    ):  # small objects need no scratch file there
        assert done.code == 0, done.err
    else:
        check_refused(done, "Permission denied")
        assert str(ran.store) in done.err
    first = ran.run_ids()[0]
    with here(ran):
        assert plugbay.get_run(first)["double_3"].output.load() == SMALL_RESULT
    if done.code == 1:
        assert ran.plugbay("run", "--resume", "last", "--stack", "inline").code == 0
    ran.check_store()
    tally.recovery()


READS = ("runs", "show", "logs", "artifacts", "resume", "gc", "run")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("command", READS)
def test_a_disk_that_fails_at_any_read_is_reported(command: str, labs: QuickLabs, tally: Tally) -> None:
    """Injects: EIO at each of the calls of a command that open, list, look up or read something in Plugbay's home. Proves: one error
    that says so and no traceback, or success where it was no more than the cache's or the index's; and nothing that the run
    made is lost."""
    with labs.lab() as lab:
        assert lab.plugbay("run", "small.py", "--stack", "inline").code == 0
        (run_id,) = lab.run_ids()
        words = {
            "runs": ["runs"],
            "show": ["show", run_id],
            "logs": ["logs", run_id, "text"],
            "artifacts": ["artifacts", "get", run_id, "text", "-o", "-"],
            "resume": ["run", "--resume", run_id],
            "gc": ["gc", "--grace", "0s", "--keep", "1"],
            "run": ["run", "small.py", "-p", "number=3", "--no-cache"],
        }[command] + ["--stack", "inline"]
        total = len(lab.calls(*words, classes=Class.READ))
        assert total > 3
        for at in range(1, total + 1):
            control = lab.control(at=at, kind=Kind.FAIL, number=errno.EIO, classes=Class.READ)
            done = lab.plugbay(*words, control=control)
            tally.fault("EIO at a read")
            where = (control.what, done.code, done.err)
            assert done.code in (0, 1, 2), where
            assert "internal error" not in done.err, where
            assert "Traceback" not in done.err, where
            if done.code:
                assert "Input/output error" in done.err, where
        shown = lab.plugbay("artifacts", "get", run_id, "double_3", "-o", "-", "--stack", "inline")
        assert shown.out.strip() == str(SMALL_RESULT)
        shown = lab.plugbay("artifacts", "get", run_id, "text", "-o", "-", "--stack", "inline")
        assert len(shown.out.strip()) >= 10_000
        lab.check_store()
        tally.recovery()
