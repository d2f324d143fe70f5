"""Where the user's files lie, also where the user has no home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FLOW = """
from plugbay import pipeline, step

@step
def f() -> int:
    return 1

@pipeline
def p():
    f()
"""
SOMEBODY = 54321
AS_SOMEBODY = f"""
import os, sys
os.setreuid({SOMEBODY}, 0)  # who has no entry in the list of users, and may yet read this Python
from plugbay.cli.entry import main
sys.exit(main(sys.argv[1:]))
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser may become another user")


def plugbay(directory: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (directory / "flow.py").write_text(FLOW)
    return subprocess.run(
        [sys.executable, "-c", AS_SOMEBODY, *words],
        cwd=directory,
        env={"PATH": os.defpath, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    "words", [["run", "flow.py:p"], ["runs"], ["stack", "check"], ["stack", "list"], ["gc", "--dry-run"]], ids=" ".join
)
@pytest.mark.parametrize("environment", [{}, {"HOME": ""}, {"HOME": "relative"}], ids=["none", "empty", "relative"])
def test_without_one_the_error_names_the_variable_to_set(
    tmp_path: Path, words: list[str], environment: dict[str, str]
) -> None:
    done = plugbay(tmp_path, *words, **environment)
    assert done.returncode == 2
    assert "error: this user has no home directory" in done.stderr
    assert "set PLUGBAY_HOME to a directory that Plugbay may write to" in done.stderr


@pytest.mark.parametrize("home", ["~/x", "~nobody-of-this-name/x"])
def test_a_home_below_one_that_is_not_known_is_told(tmp_path: Path, home: str) -> None:
    done = plugbay(tmp_path, "runs", PLUGBAY_HOME=home)
    assert done.returncode == 2
    assert f"error: PLUGBAY_HOME={home} begins at a home directory that is not known here" in done.stderr


def test_with_the_variable_everything_works(tmp_path: Path) -> None:
    for words in (["run", "flow.py:p"], ["runs"], ["show", "last"], ["stack", "check"], ["gc", "--dry-run"]):
        done = plugbay(tmp_path, *words, PLUGBAY_HOME=str(tmp_path / "home"))
        assert done.returncode == 0, done
