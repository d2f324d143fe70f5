"""A fault at each single call that writes to a disk, in the driver of a small run executed inline.

The calls are those of ``os``: ``open`` with ``O_CREAT``, ``write``, ``fsync``, ``link``, ``rename``, ``replace``, ``mkdir``.
A start of the process costs more than the run itself, so of all points every one in the middle third is taken and every
third elsewhere when they kill, and every third one when they raise.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from faultlab.lab import Done, Lab
from faultlab.recovery import SMALL_CALLS, SMALL_RESULT, check_killed, check_whole, for_each, resume_to_the_end
from faultlab.tally import Tally


def points(lab: Lab) -> list[str]:
    """The calls that an undisturbed run makes, in order."""
    trace = lab.directory / "trace"
    done = lab.plugbay("run", "small.py", "--stack", "inline", env=lab.shim(trace=trace))
    assert done.code == 0, done.err
    check_whole(lab, SMALL_CALLS, ("small", SMALL_RESULT))
    return trace.read_text().splitlines()


def spoiled(lab: Lab, at: int, kind: str, *, lasting: bool = False) -> Done:
    """Run the pipeline with a fault at one of the calls."""
    shim = lab.shim(at=at, kind=kind, lasting="1" if lasting else "")
    return lab.plugbay("run", "small.py", "--stack", "inline", env=shim)


def test_a_driver_that_is_killed_at_any_write_loses_nothing(make_lab: Callable[[str], Lab], tally: Tally) -> None:
    """Injects: SIGKILL right before a write to the disk, and after half of it where it writes bytes. Proves: no document
    is torn, and the run is resumed (or, if it never began, run) without executing a committed step again."""
    total = len(points(make_lab("undisturbed")))
    assert total > 50
    chosen = [at for at in range(1, total + 1) if total <= 3 * at <= 2 * total or at % 3 == 0 or at <= 3]

    def check(_number: int, at: int) -> None:
        lab = make_lab(f"killed-{at}")
        done = spoiled(lab, at, "kill")
        assert done.code == -9
        tally.fault("kills at a write")
        committed = check_killed(lab)
        resume_to_the_end(lab, committed, SMALL_CALLS, ("small", SMALL_RESULT), tally, stack="inline")

    for_each(chosen, check)


@pytest.mark.parametrize(("kind", "lasting"), [("ENOSPC", True), ("EIO", False)])
def test_a_disk_that_fails_at_any_write_is_reported_and_loses_nothing(
    kind: str, lasting: bool, make_lab: Callable[[str], Lab], tally: Tally
) -> None:
    """Injects: ENOSPC at a write to the disk and at all later ones, or EIO at one. Proves: the command ends with 1 or 2 and
    one clear error, or succeeds where the write was no more than a log's or the cache's; no document is torn, and the run is
    resumed (or, if it never began, run) without executing a committed step again."""
    calls = points(make_lab("undisturbed"))
    chosen = list(itertools.islice(range(1, len(calls) + 1), 1 if lasting else 0, None, 3))

    def check(_number: int, at: int) -> None:
        lab = make_lab(f"{kind}-{at}")
        done = spoiled(lab, at, kind, lasting=lasting)
        tally.fault(f"{kind} at a write")
        where = f"{kind} at {calls[at - 1]}: exit code {done.code}\n{done.err}"
        assert done.code in (0, 1, 2), where
        committed = check_killed(lab)
        if done.code == 0:
            check_whole(lab, SMALL_CALLS, ("small", SMALL_RESULT))
            return
        check_told(done, where)
        resume_to_the_end(lab, committed, SMALL_CALLS, ("small", SMALL_RESULT), tally, stack="inline")

    for_each(chosen, check)


def check_told(done: Done, where: str) -> None:
    """There is one error, it names the cause, and no line shows Plugbay's own frames."""
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1, where
    assert "No space left" in errors[0] or "Input/output error" in errors[0], where
    assert "internal error" not in done.err, where
    assert "Traceback" not in done.err, where
    assert "plugbay/" not in done.err, where
    assert "plugbay_local/" not in done.err, where
