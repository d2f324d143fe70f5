"""Faults on purpose: processes killed at any instant, disks that fill up, stores that were tampered with.

Every random choice comes from one seed, ``PLUGBAY_FAULT_SEED``, which the head of the session prints; each test draws from
a generator of its own, so that a test alone meets the same faults as in the whole suite.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from faultlab.here import here
from faultlab.lab import Lab
from faultlab.quick import MEMORY, QuickLabs, quick_labs
from faultlab.tally import Tally

SEED = os.environ.get("PLUGBAY_FAULT_SEED", "20240229")
_tally = pytest.StashKey[Tally]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_tally] = Tally()


def pytest_report_header() -> str:
    return f"faults: PLUGBAY_FAULT_SEED={SEED}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["faults"] = session.config.stash[_tally].counts()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_tally].add(getattr(node, "workeroutput", {}).get("faults"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    terminalreporter.section("faults")
    terminalreporter.write_line(f"{config.stash[_tally].line()} (seed {SEED})")


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Counts over the whole session."""
    return request.config.stash[_tally]


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """The test's own generator."""
    return random.Random(f"{SEED}:{request.node.name}")


@pytest.fixture
def make_lab(tmp_path: Path) -> Callable[[str], Lab]:
    """Make a lab: a project and a home of its own."""
    return lambda name: Lab(tmp_path / name)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """One lab."""
    return Lab(tmp_path / "lab")


@pytest.fixture(scope="session")
def labs() -> Iterator[QuickLabs]:
    """Labs whose commands are forked processes under the shim; some hundred of them take no longer than a minute."""
    with quick_labs() as made:
        yield made


RECORDED = Path(__file__).parent / "faultlab" / "recorded.py"


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., Path]:
    """Run commands one after the other in one lab, and write down their calls."""

    def record(lab: Lab, *commands: list[str], codes: tuple[int, ...] = ()) -> Path:
        log = tmp_path / "calls"
        for number, words in enumerate(commands):
            done = lab.python(str(RECORDED), str(log), str(lab.directory), *words)
            assert done.code == (codes[number] if codes else 0), done.err
        return log

    return record


@pytest.fixture
def in_lab(lab: Lab) -> Iterator[None]:
    """Have this process run the lab's pipelines."""
    with here(lab):
        yield


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    """A directory where flushing costs nothing, as far as there is one: for what was played back."""
    directory = Path(tempfile.mkdtemp(prefix="plugbay-faults-", dir=MEMORY if os.access(MEMORY, os.W_OK) else tmp_path))
    yield directory
    shutil.rmtree(directory)
