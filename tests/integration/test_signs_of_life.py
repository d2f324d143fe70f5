"""A driver gives signs of life while a step keeps the interpreter, and none once it has ended or is stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plugbay.testing.waiting import stretched, wait_until

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")

KEEPS = """
import ctypes, sys, threading, time
from pathlib import Path

from plugbay import Stack
from plugbay.store import ownership
from plugbay.store.ownership import Ownership, this_process
from plugbay.store.layout import plan_key
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator

ownership.HEARTBEAT = 0.5
stack = Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=LocalArtifactStore(path=Path(sys.argv[1])))
run = "01a205bb-07d9-72ae-b2e1-6ee4ff19bd11"
stack.artifact_store.put(plan_key(run), b"{}")
with Ownership(run, stack, cancel=lambda: None, each_beat=lambda: None) as owner:
    owner.begin(this_process(run, 1))
    owner.reap()
    print("begun", flush=True)
    ctypes.PyDLL(None).sleep(120)  # without letting any other thread run
"""


def helpers(pid):
    """The processes that wait for the driver to fall silent, or beat in its place."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(b"pulse_process" in word for word in words) and str(pid).encode() in words:
            found.append(int(path.name))
    return found


@pytest.fixture
def driver(tmp_path):
    environment = {**os.environ, "PLUGBAY_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-c", KEEPS, str(tmp_path / "store")]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def beats(tmp_path):
    path = next(iter(tmp_path.glob("store/runs/*/beats/*")), None)
    return None if path is None else path.read_bytes()


def changes(tmp_path):
    """Wait for the next sign of life."""
    before = beats(tmp_path)
    wait_until(lambda: beats(tmp_path) not in (None, before), stretched(30))


def test_a_step_that_keeps_the_interpreter_does_not_stop_the_heartbeat(driver, tmp_path):
    changes(tmp_path)
    changes(tmp_path)
    assert b"in its place" in beats(tmp_path)


def test_the_process_that_beats_in_the_place_of_a_driver_is_nobodys_child_and_ends_with_it(driver, tmp_path):
    changes(tmp_path)
    (helper,) = helpers(driver.pid)
    parent = int(Path(f"/proc/{helper}/stat").read_text().rpartition(")")[2].split()[1])
    assert parent != driver.pid
    driver.kill()
    driver.wait()
    wait_until(lambda: not helpers(driver.pid), stretched(10))


def test_a_driver_that_is_stopped_gives_no_sign_of_life_until_it_goes_on(driver, tmp_path):
    changes(tmp_path)
    driver.send_signal(signal.SIGSTOP)
    wait_until(lambda: Path(f"/proc/{driver.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T", stretched(10))
    last = beats(tmp_path)
    limit = time.monotonic() + 2
    while time.monotonic() < limit:
        assert beats(tmp_path) == last
        time.sleep(0.1)
    driver.send_signal(signal.SIGCONT)
    changes(tmp_path)


def test_a_run_that_is_over_leaves_no_process(tmp_path):
    script = KEEPS.replace("ctypes.PyDLL(None).sleep(120)", "ctypes.PyDLL(None)")
    environment = {**os.environ, "PLUGBAY_HOME": str(tmp_path / "home"), "PULSE_MARK": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store")], env=environment, check=True, timeout=stretched(60)
    )

    def left():
        marked = []
        for path in Path("/proc").iterdir():
            try:
                if f"PULSE_MARK={tmp_path}".encode() in (path / "environ").read_bytes():
                    marked.append(path.name)
            except OSError:
                continue
        return marked

    wait_until(lambda: not left(), stretched(3))
