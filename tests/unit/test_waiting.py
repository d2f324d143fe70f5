"""How long tests wait, and what they do about something that could not be made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plugbay.testing.waiting import stretched, wait_until

SYSTEMS = Path(__file__).parents[1] / "systems"
SHARING = """
import pathlib
import pytest

@pytest.fixture(scope="session")
def server():
    with pathlib.Path("tries").open("a") as tries:
        tries.write("x")
    raise RuntimeError("it does not start")

@pytest.mark.parametrize("number", range(3))
def test_asks(server, number):
    pass

def test_other():
    pass
"""


def test_time_is_stretched_by_what_wants_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    cores = os.cpu_count() or 1
    monkeypatch.setattr(os, "getloadavg", lambda: (3.0 * cores, 0.0, 0.0))
    assert stretched(10) >= 30
    monkeypatch.setattr(os, "getloadavg", lambda: (1000.0 * cores, 0.0, 0.0))
    assert stretched(10) == 100, "what takes so long is stuck"


def test_waiting_gives_what_happened_or_says_what_did_not() -> None:
    found = iter(["", "", "here"])
    assert wait_until(lambda: next(found)) == "here"
    with pytest.raises(AssertionError, match="nobody came within"):
        wait_until(lambda: False, 0.05, lacking="nobody came")


def test_what_cannot_be_started_fails_one_test_and_the_others_name_it(tmp_path: Path) -> None:
    (tmp_path / "test_sharing.py").write_text(SHARING)
    (tmp_path / "conftest.py").write_text("from isolation import *\n")
    (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {SYSTEMS}\n")
    command = [sys.executable, "-m", "pytest", "-ra", "-p", "no:randomly", "-p", "no:cacheprovider", "--color=no"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=tmp_path, env=kept, capture_output=True, text=True, timeout=stretched(60))
    assert "1 passed, 2 skipped, 1 error" in done.stdout, done.stdout + done.stderr
    assert "what it needs could not be made: see test_sharing.py::test_asks[0]" in done.stdout
    assert (tmp_path / "tries").read_text() == "x", "it was tried again for each test"
