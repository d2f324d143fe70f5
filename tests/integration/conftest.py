import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import attrs
import pytest

from plugbay.stack import Stack
from plugbay.testing.waiting import stretched
from plugbay_hookspecs import component, hookimpl
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator


@component
class Recorder:
    """An observer that keeps what it is told."""

    events: list[tuple[str, Any]] = attrs.field(factory=list)
    store: Any = None

    def named(self, *names: str) -> list[Any]:
        return [arguments for name, arguments in self.events if name in names]

    def order(self) -> list[str]:
        return [f"{name} {a['step'].step}" if "step" in a else name for name, a in self.events]

    @hookimpl
    def run_started(self, run):
        self.events.append(("run_started", {"run": run}))

    @hookimpl
    def run_finished(self, run, outcome):
        self.events.append(("run_finished", {"run": run, "outcome": outcome}))

    @hookimpl
    def step_started(self, step):
        self.events.append(("step_started", {"step": step}))

    @hookimpl
    def step_cached(self, step, source):
        self.events.append(("step_cached", {"step": step, "source": source}))

    @hookimpl
    def step_retrying(self, step, error, delay):
        self.events.append(("step_retrying", {"step": step, "error": error, "delay": delay}))

    @hookimpl
    def step_skipped(self, step, reason):
        self.events.append(("step_skipped", {"step": step, "reason": reason}))

    @hookimpl
    def step_succeeded(self, step, outputs, seconds):
        self.events.append(("step_succeeded", {"step": step, "outputs": outputs}))

    @hookimpl
    def step_failed(self, step, error, seconds):
        self.events.append(("step_failed", {"step": step, "error": error, "seconds": seconds}))

    @hookimpl
    def step_cancelled(self, step, seconds):
        self.events.append(("step_cancelled", {"step": step, "seconds": seconds}))


@pytest.fixture
def make_stack(tmp_path: Path) -> Callable[..., Stack]:
    def make(*observers: Any, workers: int = 1, store: str = "store", **options: Any) -> Stack:
        return Stack(
            orchestrator=LocalOrchestrator(workers=workers),
            artifact_store=LocalArtifactStore(path=tmp_path / store),
            observers=observers,
            **options,
        )

    return make


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def stack(make_stack: Callable[..., Stack], recorder: Recorder) -> Stack:
    """Everything in this process, with a recorder."""
    return make_stack(recorder)


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The checked-in modules of steps can be imported, here and in worker processes."""
    directory = Path(__file__).parent / "projects"
    monkeypatch.syspath_prepend(str(directory))
    yield
    for name in [path.stem for path in directory.glob("*.py")]:
        sys.modules.pop(name, None)


class Scripts:
    """Writes scripts and runs them in processes of their own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1"}

    def write(self, text: str, name: str = "script.py") -> Path:
        path = self.directory / name
        path.write_text(dedent(text))
        return path

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=self.directory,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **options,
        )

    def run(self, *arguments: str, stdin: str | None = None) -> tuple[int, str, str]:
        with self.start(*arguments, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(stdin, timeout=stretched(60))
        return process.returncode, out, err


@pytest.fixture
def scripts(tmp_path: Path, home: Path) -> Scripts:
    directory = tmp_path / "scripts"
    directory.mkdir()
    return Scripts(directory)
