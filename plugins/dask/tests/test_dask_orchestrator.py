"""The orchestrator on real clusters: the contract, code that is brought along, workers and drivers that are killed."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine_project import Project
from plugbay import RunFailed, Stack
from plugbay.errors import PlugbayError
from plugbay.testing import pipelines
from plugbay.testing.orchestrator import OrchestratorContract
from plugbay.testing.waiting import stretched, wait_until
from plugbay_dask.orchestrator import DaskOrchestrator
from plugbay_local.artifact_store import LocalArtifactStore
from servers.dask_cluster import DaskCluster

Start = Callable[..., Project]


class TestCluster(OrchestratorContract):
    @pytest.fixture
    def component(self, cluster: DaskCluster) -> Any:
        return DaskOrchestrator(address=cluster.address)


def test_a_run_without_a_cluster_has_workers_of_its_own(tmp_path: Path) -> None:
    stack = Stack(orchestrator=DaskOrchestrator(workers=2), artifact_store=LocalArtifactStore(path=tmp_path))
    assert pipelines.mapped.run(stack=stack, count=5)["total"].output.load() == 30
    run = pipelines.places.run(stack=stack)
    assert run["here"].output.load() != run["there"].output.load()


def test_the_code_is_brought_to_the_workers(make_project: Start, cluster: DaskCluster) -> None:
    project = make_project(cluster.address)
    parameters = ["-p", f"directory={project.notes}", "-p", "seconds=0"]
    project.run("run", "counting.py", *parameters)
    assert project.output("joined") == "hello 0, hello 1, hello 2, hello 3"
    (project.directory / "wording.py").write_text('GREETING = "goodbye"\n')
    project.run("run", "counting.py", *parameters)
    assert project.output("joined").startswith("goodbye 0"), "the workers kept the code of the run before"


def test_a_killed_worker_fails_an_attempt_and_nothing_else(make_project: Start, fresh_cluster: DaskCluster) -> None:
    workers = [fresh_cluster.add_worker(), fresh_cluster.add_worker()]
    project = make_project(fresh_cluster.address)
    driver = project.start("run", "counting.py", "-p", f"directory={project.notes}")
    wait_until(lambda: sum(len(project.lines(f"slow-{number}")) for number in range(4)) == 2)
    begun = {number: project.lines(f"slow-{number}") for number in range(4)}
    struck = next(number for number, pids in begun.items() if pids == [str(workers[0].pid)])
    workers[0].kill()
    (project.notes / "go").touch()
    assert driver.wait(stretched(100)) == 0, project.printed()
    attempts = {number: len(project.lines(f"slow-{number}")) for number in range(4)}
    assert attempts == {number: 2 if number == struck else 1 for number in range(4)}
    records = sorted(path.name for path in project.store.glob("runs/*/steps/*.json"))
    assert [name for name in records if name.endswith(".2.json")] == [f"slow_{struck}.2.json"]


def test_a_killed_driver_takes_its_steps_along_and_is_resumed(make_project: Start, fresh_cluster: DaskCluster) -> None:
    fresh_cluster.add_worker()
    project = make_project(fresh_cluster.address)
    driver = project.start("run", "counting.py", "-p", f"directory={project.notes}", "-p", "count=2")
    wait_until(lambda: project.lines("slow-0") or project.lines("slow-1"))
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    wait_until(lambda: not _step_processes(fresh_cluster.workers[0].pid))
    (project.notes / "go").touch()
    project.run("run", "--resume", "last")
    assert project.lines("first") == ["x"], "a step that was recorded ran again"


def test_a_step_behind_others_waits_for_the_only_thread_and_says_how_long(
    fresh_cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh_cluster.add_worker()
    monkeypatch.setattr("plugbay.execution.timing.TIMEOUT_GRACE", 1.0)
    orchestrator = DaskOrchestrator(address=fresh_cluster.address)
    stack = Stack(orchestrator=orchestrator, artifact_store=LocalArtifactStore(path=tmp_path / "store"))
    brief = pipelines.crowded.run(stack=stack, cache=False, ahead=4, seconds=0.6)["brief"]
    assert brief.status == "succeeded", str(brief.error)
    assert brief.queued > 4 * 0.6, "its timeout of 1 s, and what it is given beside, were over before it began"


def test_a_step_runs_where_what_it_asks_for_is(make_project: Start, fresh_cluster: DaskCluster) -> None:
    fresh_cluster.add_worker()
    able = fresh_cluster.add_worker("--resources", "gpu=1")
    project = make_project(fresh_cluster.address, resources=["gpu"])
    project.run("run", "demanding.py")
    assert project.output("places") == [able.pid] * 3


def test_what_no_worker_has_is_refused_before_the_run(make_project: Start, cluster: DaskCluster) -> None:
    project = make_project(cluster.address)
    assert project.start("run", "demanding.py").wait(stretched(60)) == 2
    assert "gpu" in project.printed()


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path) -> None:
    orchestrator = DaskOrchestrator(address="tcp://127.0.0.1:9", timeout=1)
    stack = Stack(orchestrator=orchestrator, artifact_store=LocalArtifactStore(path=tmp_path))
    with pytest.raises((RunFailed, PlugbayError, OSError), match=r"127\.0\.0\.1:9"):
        pipelines.diamond.run(stack=stack)


def test_describing_the_flavor_imports_no_dask() -> None:
    code = "import sys, plugbay_dask.orchestrator; sys.exit('distributed' in sys.modules or 'dask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def _step_processes(worker: int) -> list[int]:
    children = Path(f"/proc/{worker}/task/{worker}/children").read_text().split()
    commands = {int(child): Path(f"/proc/{child}/cmdline").read_bytes() for child in children}
    return [child for child, command in commands.items() if b"step_server" in command]
