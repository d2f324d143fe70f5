"""Fuzzing by coverage: the targets of ``fuzz/targets.py``, as ``tox run -e fuzz`` has them, each for a while."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from faultlab.tally import Tally

TARGETS = Path(__file__).parent / "fuzz" / "targets.py"
RUNS = 20_000


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None and sys.version_info >= (3, 14),
    reason="atheris has no release for this Python",
)
@pytest.mark.timeout(600)
@pytest.mark.parametrize("target", ["config", "documents", "keys", "parameters"])
def test_no_input_that_reaches_new_code_breaks_a_reader(target: str, tmp_path: Path, tally: Tally) -> None:
    """Injects: inputs that atheris finds by what code they reach. Proves: each is read, or refused with the error that is meant
    for it."""
    command = [sys.executable, str(TARGETS), target, f"-runs={RUNS}", "-seed=1", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=550)
    assert done.returncode == 0, done.stderr[-4000:]
    tally.fault("inputs found by coverage", RUNS)
