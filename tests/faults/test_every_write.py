"""A fault at every single call that changes a file system, in every process of a small run: none is left out.

The calls are those that the shim in ``faultlab/shim/faults.c`` sees, below Plugbay's home and the directory for temporary
files: whatever Python, its libraries or SQLite make. ``test_the_shim`` proves that it sees all. The run is inline, or on the
process pool, where each call of the driver and each call of the worker is taken; ``project/whole.py`` is what is run.
"""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable
from typing import Any

import pytest
from attrs import frozen
from faultlab.control import CHANGES, Class, Control, Kind, Role
from faultlab.lab import Done
from faultlab.quick import WHOLE_CALLS, WHOLE_RESULT, QuickLab, QuickLabs, normalised, stopped
from faultlab.recovery import check_killed, check_whole, resume_to_the_end
from faultlab.tally import Tally

RESULT = ("whole", WHOLE_RESULT)


@frozen
class Scene:
    """Which calls of which process of which run."""

    stack: str
    roles: Role

    def words(self) -> tuple[str, ...]:
        """The command; inline a step prints as much as it takes for its log to be mapped into memory."""
        return ("run", "whole.py", "--stack", self.stack, *(("-p", "lines=66") if self.stack == "inline" else ()))

    def disk(self, classes: Class) -> dict[str, Any]:
        """The settings for a disk that fails; that of the fork server's socket is another one."""
        return {"roles": self.roles, "classes": classes, "temporary": self.stack == "inline"}

    def calls(self, labs: QuickLabs, **settings: Any) -> list[str]:
        """Those that an undisturbed run makes, in order."""
        with labs.lab() as lab:
            calls = lab.calls(*self.words(), **{"roles": self.roles, **settings})
            check_whole(lab, WHOLE_CALLS, RESULT)
            check_clean(lab, self.stack)
            return calls


INLINE = Scene("inline", Role.DRIVER)
DRIVER = Scene("pool", Role.DRIVER)
WORKER = Scene("pool", Role.WORKER)
each_scene = pytest.mark.parametrize("scene", [INLINE, DRIVER, WORKER], ids=["inline", "driver", "worker"])


def take(
    calls: list[str],
    labs: QuickLabs,
    fault: Callable[[QuickLab, int], Control],
    *,
    only: Callable[[str], bool] = lambda call: True,
) -> None:
    """Have each of the calls meet a fault, one in a lab.

    Two threads of a process may take turns in another order than before, so that a number stands for another call than it
    did; who was missed because of that is looked for where it should have been.

    :param fault: does all that is to be done with the call of a number, and checks what comes of it.
    """
    assert len(calls) > 10
    wanted = [at for at, call in enumerate(calls, 1) if only(call)]
    met: set[str] = set()
    failures: list[Exception] = []

    def one(at: int) -> None:
        with labs.lab() as lab:
            try:
                control = fault(lab, at)
                met.add(normalised(control.what, lab))
            except Exception as error:
                error.add_note(f"at call {at}: {calls[at - 1]}; in {lab.directory}")
                failures.append(error)

    def missed() -> list[int]:
        return [at for at in wanted if calls[at - 1] not in met]

    for at in wanted:
        one(at)
    for _ in range(5):
        near = {other for at in missed() for other in range(at - 3, at + 4) if 0 < other <= len(calls)}
        for at in sorted(near) if not failures else ():
            one(at)
    if failures:
        msg = f"{len(failures)} of {len(wanted)}"
        raise ExceptionGroup(msg, failures)
    assert [calls[at - 1] for at in missed()] == []


def check_clean(lab: QuickLab, stack: str) -> None:
    """Collecting garbage leaves no temporary file, no blob that nobody needs, and all else whole."""
    done = lab.plugbay("gc", "--grace", "0s", "--stack", stack)
    assert done.code == 0, done.err
    assert lab.leftovers() == []
    assert lab.orphans() == set()
    check_whole(lab, WHOLE_CALLS, RESULT)


@pytest.mark.parametrize("torn", [False, True], ids=["before", "within"])
@pytest.mark.parametrize(
    ("scene", "everyone"),
    [(INLINE, False), (DRIVER, False), (DRIVER, True), (WORKER, False), (WORKER, True)],
    ids=["inline", "driver-alone", "driver-and-all", "worker-alone", "worker-and-all"],
)
def test_a_process_that_is_killed_at_any_write_loses_nothing(
    scene: Scene, everyone: bool, torn: bool, labs: QuickLabs, tally: Tally
) -> None:
    """Injects: SIGKILL of the driver, of the worker, or of all processes at once, right before each of its calls that change a
    file system, or after half the bytes of each that writes some. Proves: no document is torn, nobody is left, the run is
    resumed (or run, if it never began) with every committed step kept and none executed again, and no temporary file is left."""
    who = "all processes" if everyone else "workers" if scene is WORKER else "drivers"

    def kill(lab: QuickLab, at: int) -> Control:
        kind = Kind.TEAR if torn else Kind.KILL
        control = lab.control(roles=scene.roles, at=at, kind=kind, everyone=everyone)
        done = lab.plugbay(*scene.words(), control=control)
        assert control.met
        tally.fault(f"kills of {who} {'within' if torn else 'at'} a write")
        if scene is WORKER and not everyone:
            # the attempt has failed, unless its record was there already
            assert done.code in (0, 1), done.err
            assert "Traceback" not in done.err
        else:
            assert done.code == -signal.SIGKILL
        committed = check_killed(lab)
        resume_to_the_end(lab, committed, WHOLE_CALLS, RESULT, tally, stack=scene.stack)
        check_clean(lab, scene.stack)
        return control

    take(scene.calls(labs), labs, kill, only=lambda call: not torn or call.startswith(("write ", "sendfile ")))


DISKS = {
    "ENOSPC": (True, CHANGES & ~Class.REMOVE),
    "EROFS": (True, CHANGES),
    "EACCES": (True, CHANGES & ~Class.WRITE & ~Class.SYNC),
    "EIO": (False, CHANGES),
}
"""By error: whether all later calls of any process meet it too, and which calls can."""


@pytest.mark.parametrize("name", DISKS)
@each_scene
def test_a_disk_that_fails_at_any_write_is_reported_and_loses_nothing(
    scene: Scene, name: str, labs: QuickLabs, tally: Tally
) -> None:
    """Injects: a disk that is full, was remounted read-only or is denied from one call on, or EIO at one; at each call that can
    meet it. Proves: the command ends with 1 or 2 and one clear error, or succeeds where the write was no more than a log's
    or the cache's; no document is torn, and the run is resumed (or run) with every committed step kept and none executed again."""
    lasting, classes = DISKS[name]
    number = getattr(errno, name)

    def fail(lab: QuickLab, at: int) -> Control:
        control = lab.control(at=at, kind=Kind.FAIL, number=number, lasting=lasting, **scene.disk(classes))
        done = lab.plugbay(*scene.words(), control=control)
        assert control.met
        tally.fault(f"{name} at a write")
        assert done.code in (0, 1, 2), (done.code, done.err)
        committed = check_killed(lab)
        if done.code:
            what_it_prints = "/logs/" in control.what and control.what.startswith("write ")
            check_told(done, os.strerror(number), by_the_step=what_it_prints and scene is WORKER)
        resume_to_the_end(lab, committed, WHOLE_CALLS, RESULT, tally, stack=scene.stack)
        check_clean(lab, scene.stack)
        return control

    take(scene.calls(labs, **scene.disk(classes)), labs, fail)


def check_told(done: Done, *causes: str, by_the_step: bool = False) -> None:
    """There is one error, it names the cause, and no line shows Plugbay's own frames.

    :param by_the_step: it may have been raised in the step: in a worker, printing writes to the log.
    """
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, done.err
    assert any(cause in errors[0] for cause in causes), done.err
    assert "internal error" not in done.err
    assert by_the_step or "Traceback" not in done.err
    assert "plugbay/" not in done.err
    assert "plugbay_local/" not in done.err


@each_scene
def test_a_disk_that_halts_at_any_write_changes_nothing(scene: Scene, labs: QuickLabs, tally: Tally) -> None:
    """Injects: a process that stands still right before each of its calls, while another process lists the runs and collects
    the garbage of all runs. Proves: whatever is there is whole, the run is shown as running, nothing of it is removed, and it
    succeeds when it goes on."""

    def halt(lab: QuickLab, at: int) -> Control:
        control = lab.control(roles=scene.roles, at=at, kind=Kind.STOP)
        with lab.begin(*scene.words(), control=control) as command:
            assert stopped(control)
            look_around(lab, scene.stack)
            os.kill(control.met, signal.SIGCONT)
            done = command.end()
        tally.fault("halts at a write")
        assert done.code == 0, done.err
        if lab.run_ids():  # what was over when garbage was collected is gone
            check_clean(lab, scene.stack)
        tally.recovery()
        return control

    take(scene.calls(labs), labs, halt)


def look_around(lab: QuickLab, stack: str) -> None:
    """What another process finds while a run stands still."""
    lab.check_store()
    before, ended = set(lab.keys()), lab.end() is not None
    listed = lab.plugbay("runs", "--json", "--stack", stack)
    assert listed.code == 0, listed.err
    statuses = [run["status"] for run in json.loads(listed.out)]
    assert statuses == (["succeeded"] if ended else ["running"] if lab.run_ids() else [])
    collected = lab.plugbay("gc", "--keep", "0", "--grace", "1h", "--stack", stack)
    assert collected.code == 0, collected.err
    assert ended or before <= set(lab.keys())


def test_a_resumption_that_is_killed_at_any_write_is_resumed(labs: QuickLabs, tally: Tally) -> None:
    """Injects: SIGKILL of a run in the middle of its third step, and of its resumption right before each of its calls. Proves:
    the next resumption keeps what both have committed, executes nothing of it again, and leaves no temporary file."""

    def interrupted(lab: QuickLab) -> None:
        done = lab.plugbay(*INLINE.words(), control=lab.control(at=60, kind=Kind.KILL))
        assert done.code == -signal.SIGKILL
        assert len(lab.succeeded()) == 2

    words = ("run", "--resume", "last", "--stack", "inline")
    with labs.lab() as lab:
        interrupted(lab)
        calls = lab.calls(*words)

    def kill(lab: QuickLab, at: int) -> Control:
        interrupted(lab)
        control = lab.control(at=at, kind=Kind.KILL)
        assert lab.plugbay(*words, control=control).code == -signal.SIGKILL
        tally.fault("kills of resumptions at a write")
        resume_to_the_end(lab, check_killed(lab), WHOLE_CALLS, RESULT, tally, stack="inline")
        check_clean(lab, "inline")
        return control

    take(calls, labs, kill)


@pytest.mark.parametrize("name", [None, "EIO", "EACCES"], ids=["killed", "EIO", "EACCES"])
def test_a_collection_that_ends_at_any_write_removes_nothing_that_is_kept(
    name: str | None, labs: QuickLabs, tally: Tally
) -> None:
    """Injects: SIGKILL of a collection of garbage that removes one of two runs, right before each of its calls; or an error at
    the call. Proves: what a collection keeps is whole at any moment, and the next one removes all the rest."""
    collect = ("gc", "--keep", "1", "--grace", "0s", "--stack", "inline")

    def two_runs(lab: QuickLab) -> str:
        assert lab.plugbay(*INLINE.words(), "--no-cache", "-p", "number=3").code == 0
        assert lab.plugbay(*INLINE.words(), "--no-cache").code == 0
        return lab.run_ids()[-1]

    with labs.lab() as lab:
        two_runs(lab)
        calls = lab.calls(*collect)

    def disturb(lab: QuickLab, at: int) -> Control:
        kept = two_runs(lab)
        fault = {"kind": Kind.KILL} if name is None else {"kind": Kind.FAIL, "number": getattr(errno, name)}
        control = lab.control(at=at, **fault)
        done = lab.plugbay(*collect, control=control)
        tally.fault("kills of collections at a write" if name is None else f"{name} at a collection's write")
        assert done.code == -signal.SIGKILL if name is None else done.code in (0, 1, 2)
        assert "Traceback" not in done.err
        assert lab.value("total", kept) == WHOLE_RESULT
        lab.check_store(only=kept)
        done = lab.plugbay(*collect)
        assert done.code == 0, done.err
        assert lab.run_ids() == [kept]
        check_clean(lab, "inline")
        tally.recovery()
        return control

    take(calls, labs, disturb)
