"""Disks that are really full, or really read-only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from faultlab.lab import Lab
from faultlab.recovery import SMALL_CALLS, SMALL_RESULT, check_whole
from faultlab.tally import Tally
from test_every_write import check_told


def mount(*words: str) -> None:
    """Mount, or skip the test where that is not permitted."""
    try:
        subprocess.run(["mount", *words], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"mounting is not permitted here: {getattr(error, 'stderr', '') or error}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk))
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(disk: Path, spare: int) -> Path:
    """Fill the disk up to ``spare`` bytes."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(file.tell() - spare, 0))
    return ballast


@pytest.mark.parametrize("stack", ["pool", "inline"])
@pytest.mark.parametrize("spare", [0, 4 << 10, 24 << 10, 48 << 10, 64 << 10])
def test_a_run_on_a_full_disk_fails_clearly_and_is_resumed_when_there_is_room(
    stack: str, spare: int, small_disk: Path, tmp_path: Path, tally: Tally
) -> None:
    """Injects: a store on a file system that is full, at once or after some writes. Proves: exit code 1 or 2 with one clear
    error, nothing torn, and success once there is room, without executing a committed step again."""
    lab = Lab(tmp_path / "lab", store=small_disk / "store")
    ballast = fill(small_disk, spare)
    tally.fault("full disks")
    done = lab.plugbay("run", "small.py", "--stack", stack)
    assert done.code in (1, 2), done.err
    check_told(done, "No space left")
    lab.check_store()
    committed = set(lab.succeeded())
    executed = len(lab.traces())
    ballast.unlink()
    words = ("--resume", "last") if lab.run_ids() else ("small.py",)
    done = lab.plugbay("run", *words, "--stack", stack)
    assert done.code == 0, done.err
    check_whole(lab, SMALL_CALLS, ("small", SMALL_RESULT))
    again = {trace.step for trace in lab.traces()[executed:]} & committed
    tally.recovery(lost=len(again))
    assert not again


def test_a_store_that_became_read_only_can_be_read_and_says_why_it_cannot_be_written(
    make_lab: Callable[[str], Lab], small_disk: Path, tmp_path: Path, tally: Tally
) -> None:
    """Injects: a store remounted read-only. Proves: the history can be read, a new run ends with 2 and one clear error and
    leaves nothing behind, and works again later."""
    lab = Lab(tmp_path / "lab", store=small_disk / "store")
    assert lab.plugbay("run", "small.py").code == 0
    (first,) = lab.run_ids()
    mount("-o", "remount,ro", str(small_disk))
    tally.fault("read-only disks")
    try:
        assert lab.statuses() == {first: "succeeded"}
        assert lab.plugbay("show", "last").code == 0
        assert lab.plugbay("artifacts", "get", "last", "double_3", "-o", "-").out.strip() == str(SMALL_RESULT)
        done = lab.plugbay("run", "small.py", "-p", "number=12")
        assert done.code == 2
        assert "Read-only file system" in done.err
        assert "Traceback" not in done.err
        assert lab.statuses() == {first: "succeeded"}
    finally:
        mount("-o", "remount,rw", str(small_disk))
    assert lab.plugbay("run", "small.py", "-p", "number=12").code == 0
    tally.recovery()


def test_a_home_that_cannot_be_written_is_named(lab: Lab, small_disk: Path, tally: Tally) -> None:
    """Injects: ``PLUGBAY_HOME`` on a read-only file system. Proves: exit code 2 and an error that names it."""
    lab.home = lab.store = small_disk
    mount("-o", "remount,ro", str(small_disk))
    tally.fault("read-only disks")
    done = lab.plugbay("run", "small.py")
    assert done.code == 2, done.err
    assert str(small_disk) in done.err
    assert "internal error" not in done.err
    assert lab.statuses() == {}
