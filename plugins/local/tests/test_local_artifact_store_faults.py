"""Many processes at once, processes killed at any instant, disks that are full or closed."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from errno import EFBIG
from pathlib import Path

import pytest

from plugbay_local.artifact_store import LocalArtifactStore

pytestmark = pytest.mark.timeout(60)

PROLOGUE = """
import sys, time, random
from pathlib import Path
from plugbay_local.artifact_store import LocalArtifactStore

root = Path(sys.argv[1])
store = LocalArtifactStore(path=root)
"""


def start(script: str, root: Path, *arguments: str) -> subprocess.Popen[str]:
    code = PROLOGUE + textwrap.dedent(script)
    return subprocess.Popen([sys.executable, "-c", code, str(root), *arguments], stdout=subprocess.PIPE, text=True)


def scratch_of(store: LocalArtifactStore) -> list[str]:
    return os.listdir(store.artifact_store_scratch())


def test_of_eight_processes_that_put_one_key_if_absent_one_writes(store: LocalArtifactStore, tmp_path: Path) -> None:
    begin = time.time() + 1.0
    script = """
        time.sleep(max(float(sys.argv[2]) - time.time(), 0))
        won = [i for i in range(50) if store.artifact_store_put(f"blobs/{i}/x", sys.argv[3].encode(), True, False)]
        print(*won)
    """
    processes = [start(script, tmp_path / "store", str(begin), str(number)) for number in range(8)]
    winners = {}
    for number, process in enumerate(processes):
        for won in process.communicate()[0].split():
            assert won not in winners, "two processes wrote"
            winners[won] = str(number).encode()
    assert winners == {str(i): store.artifact_store_get(f"blobs/{i}/x") for i in range(50)}
    assert scratch_of(store) == []


def test_a_killed_writer_leaves_no_torn_object(store: LocalArtifactStore, tmp_path: Path) -> None:
    script = """
        print("started", flush=True)
        while True:
            number = random.randrange(256)
            store.artifact_store_put(f"k/{number % 8}/{number}", bytes([number]) * 300_000, number % 2 == 0, False)
            if number % 3 == 0:
                store.artifact_store_delete([f"k/{number % 8}/{number}"])
    """
    for _ in range(8):
        process = start(script, tmp_path / "store")
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.uniform(0.0, 0.1))
        process.kill()
        process.communicate()
    seen = 0
    for found in store.artifact_store_list("", None, True):
        number = int(found.key.rpartition("/")[2])
        assert store.artifact_store_get(found.key) == bytes([number]) * 300_000
        seen += 1
    assert seen


def test_puts_and_deletes_of_neighbours_do_not_disturb_each_other(store: LocalArtifactStore) -> None:
    def churn(number: int) -> None:
        for turn in range(150):
            key = f"a/b/{turn % 3}/{number}"
            assert store.artifact_store_put(key, b"x", turn % 2 == 0, False)
            assert store.artifact_store_get(key) == b"x"
            store.artifact_store_delete([key])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(churn, range(4)))
    assert list(store.artifact_store_list("", None, True)) == []
    assert not Path(store.component_describe()["path"], "a").exists()


def test_if_absent_while_the_object_is_deleted_writes_or_finds_it(store: LocalArtifactStore) -> None:
    done = threading.Event()

    def delete() -> None:
        while not done.is_set():
            store.artifact_store_delete(["a/b"])

    thread = threading.Thread(target=delete)
    thread.start()
    try:
        written = sum(store.artifact_store_put("a/b", b"x", True, False) for _ in range(500))
    finally:
        done.set()
        thread.join()
    assert written > 0
    assert scratch_of(store) == []


@pytest.fixture
def file_size_limit() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    yield 100_000
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, ignored)


def test_a_put_that_breaks_off_in_the_middle_changes_nothing(store: LocalArtifactStore, file_size_limit: int) -> None:
    store.artifact_store_put("a/b", b"before", False, True)
    for key, if_absent in (("a/b", False), ("a/new", True), ("c/new", False)):
        with pytest.raises(OSError, match=key) as caught:
            store.artifact_store_put(key, b"x" * (file_size_limit + 1), if_absent, True)
        assert caught.value.errno == EFBIG
    assert [found.key for found in store.artifact_store_list("", None, True)] == ["a/b"]
    assert store.artifact_store_get("a/b") == b"before"
    assert scratch_of(store) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_an_error_that_names_the_path_and_changes_nothing(small_disk: Path) -> None:
    store = LocalArtifactStore(path=small_disk / "store")
    store.artifact_store_put("a/b", b"before", False, True)
    with pytest.raises(OSError, match=r"No space left on device: '.*/store/a/b'"):
        store.artifact_store_put("a/b", b"x" * 1_000_000, False, True)
    assert store.artifact_store_get("a/b") == b"before"
    assert scratch_of(store) == []
    store.artifact_store_put("a/c", b"x" * 100_000, False, True)


def test_a_store_on_a_read_only_disk_can_be_read_and_says_why_not_written(small_disk: Path) -> None:
    store = LocalArtifactStore(path=small_disk / "store")
    store.artifact_store_put("a/b", b"kept", False, True)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for key, if_absent in (("a/b", False), ("a/c", True)):
        with pytest.raises(OSError, match=rf"Read-only file system: '.*/store/{key}'"):
            store.artifact_store_put(key, b"x", if_absent, True)
    assert store.artifact_store_get("a/b") == b"kept"
    assert not store.component_health().ok


@pytest.fixture
def home_of_a_plain_user() -> Iterator[Path]:
    """A directory of a user to whom permissions apply, as whom the test runs."""
    with tempfile.TemporaryDirectory() as home:
        if os.geteuid() != 0:
            yield Path(home)
            return
        nobody = 65534
        os.chown(home, nobody, nobody)
        os.seteuid(nobody)
        try:
            yield Path(home)
        finally:
            os.seteuid(0)


def test_a_closed_directory_is_an_error_that_names_the_path_and_changes_nothing(home_of_a_plain_user: Path) -> None:
    store = LocalArtifactStore(path=home_of_a_plain_user / "store")
    store.artifact_store_put("a/b", b"kept", False, True)
    closed = home_of_a_plain_user / "store" / "a"
    closed.chmod(0o500)
    try:
        for key, if_absent in (("a/b", False), ("a/c", True), ("a/d/e", False)):
            with pytest.raises(PermissionError, match=f"store/{key}"):
                store.artifact_store_put(key, b"x", if_absent, True)
        with pytest.raises(PermissionError, match="store/a/b"):
            store.artifact_store_delete(["a/b"])
        assert store.artifact_store_get("a/b") == b"kept"
        closed.chmod(0o000)
        with pytest.raises(PermissionError, match="store/a/b"):
            store.artifact_store_get("a/b")
    finally:
        closed.chmod(0o700)
    assert scratch_of(store) == []
