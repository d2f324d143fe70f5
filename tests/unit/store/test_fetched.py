import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from plugbay.errors import StoreError
from plugbay.execution.failures import error_info
from plugbay.history.leftovers import remove_leftovers
from plugbay.store.fetched import FetchedDirectory, abandoned

KILLED = """\
import os, signal
from plugbay.store.fetched import FetchedDirectory
made = FetchedDirectory()
(made.path / "copy").write_bytes(b"x" * 100)
print(made.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("PLUGBAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return tmp_path


def of_a_killed_process() -> Path:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, env=dict(os.environ))
    return Path(done.stdout.strip())


def test_a_directory_goes_with_its_process() -> None:
    made = FetchedDirectory()
    (made.path / "copy").touch()
    made.remove()
    assert not made.path.exists()


def test_the_directory_of_a_killed_process_is_abandoned_and_that_of_a_live_one_is_not() -> None:
    live, dead = FetchedDirectory(), of_a_killed_process()
    assert dead.is_dir()
    assert list(abandoned(time.time() + 1)) == [dead]
    assert list(abandoned(time.time() - 3600)) == []
    live.remove()


def test_a_link_is_no_directory_of_a_killed_process(temporary: Path) -> None:
    outside = temporary / "outside"
    outside.mkdir()
    (temporary / "plugbay-fetched-link").symlink_to(outside)
    assert list(abandoned(time.time() + 1)) == []


def test_what_killed_processes_left_is_removed(temporary: Path) -> None:
    dead = of_a_killed_process()
    lock = temporary / "home" / "locks" / "01a206e0-89a2-7883-a004-d6d139e5db1b.lock"
    empty = temporary / "home" / "logs" / "01a206e0-89a2-7883-a004-d6d139e5db1b"
    kept = temporary / "home" / "logs" / "01a206e0-0000-7883-a004-d6d139e5db1b" / "step.1.log"
    for path in (lock, kept):
        path.parent.mkdir(parents=True)
        path.touch()
    empty.mkdir()
    assert remove_leftovers(time.time() - 3600, dry_run=False) == (0, 0)
    soon = time.time() + 1
    assert remove_leftovers(soon, dry_run=True) == (3, 100)  # the lock, the copy, and the lock beside it
    assert dead.is_dir()
    assert remove_leftovers(soon, dry_run=False) == (3, 100)
    assert not dead.exists()
    assert not lock.exists()
    assert not empty.exists()
    assert kept.exists()


def test_a_lock_that_is_held_is_left_alone(temporary: Path) -> None:
    from filelock import FileLock

    (temporary / "home" / "locks").mkdir(parents=True)
    path = temporary / "home" / "locks" / "01a206e0-89a2-7883-a004-d6d139e5db1b.lock"
    with FileLock(path):
        assert remove_leftovers(time.time() + 1, dry_run=False) == (0, 0)
        assert path.exists()


def test_the_place_in_a_worker_where_a_store_failed_is_not_told() -> None:
    error = StoreError("the store cannot write x")
    error.add_note("in hook artifact_store_put of artifact_store")
    error.add_note('Traceback (most recent call last):\n  File "plugbay/store.py"')
    assert error_info(error).message == "the store cannot write x\nin hook artifact_store_put of artifact_store"
