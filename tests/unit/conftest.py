"""Distributions and configurations to test with."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plugbay.testing.waiting import stretched

DISTRIBUTIONS = Path(__file__).parents[1] / "dists"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Put distributions of ``tests/dists`` on ``sys.path``, the first one first."""

    def put_on_path(*folders: str) -> None:
        for folder in reversed(folders):
            assert (DISTRIBUTIONS / folder).is_dir()
            monkeypatch.syspath_prepend(str(DISTRIBUTIONS / folder))

    yield put_on_path
    for name in [name for name in sys.modules if name.startswith("acme_")]:
        del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the current directory one of a project without a configuration."""
    directory = tmp_path / "project"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., str]:
    """Run code in a fresh interpreter that has distributions of ``tests/dists`` installed, and return what it prints."""

    def run(code: str, *folders: str) -> str:
        path = os.pathsep.join(str(DISTRIBUTIONS / folder) for folder in folders)
        finished = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=stretched(60),
        )
        assert finished.returncode == 0, finished.stderr
        return finished.stdout.strip()

    return run
