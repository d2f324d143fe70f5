"""The orchestrator on a real cluster: the contract, code that is brought along, workers, nodes and drivers that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
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
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_ray.orchestrator import RayOrchestrator
from servers.ray_cluster import RayCluster, descendants

Start = Callable[..., Project]


class TestCluster(OrchestratorContract):
    @pytest.fixture
    def component(self, cluster: RayCluster) -> Any:
        return RayOrchestrator(address=cluster.address)


def test_a_run_without_a_cluster_has_one_of_its_own(tmp_path: Path) -> None:
    import ray

    handler = signal.getsignal(signal.SIGTERM)
    stack = Stack(orchestrator=RayOrchestrator(workers=2), artifact_store=LocalArtifactStore(path=tmp_path))
    assert pipelines.mapped.run(stack=stack, count=5)["total"].output.load() == 30
    assert not ray.is_initialized(), "the run left its connection behind"
    assert signal.getsignal(signal.SIGTERM) == handler, "the run left a signal handler behind"


def test_a_connection_that_is_there_is_used_and_left(tmp_path: Path, cluster: RayCluster) -> None:
    import ray

    ray.init(cluster.address, log_to_driver=False)
    try:
        for address in (None, "auto", cluster.address):
            store = LocalArtifactStore(path=tmp_path / str(address))
            stack = Stack(orchestrator=RayOrchestrator(address=address), artifact_store=store)
            assert pipelines.diamond.run(stack=stack)["bottom"].output.load() == 26
            assert ray.is_initialized(), "the run ended a connection that was not its own"
        stack = Stack(orchestrator=RayOrchestrator(address="127.0.0.9:1"), artifact_store=store)
        with pytest.raises((RunFailed, PlugbayError, OSError), match="in another process"):
            pipelines.diamond.run(stack=stack, cache=False)
    finally:
        ray.shutdown()


def test_runs_of_one_process_share_its_connection(tmp_path: Path, cluster: RayCluster) -> None:
    import ray

    results: dict[int, int] = {}

    def work(number: int) -> None:
        orchestrator = RayOrchestrator(address=cluster.address)
        stack = Stack(orchestrator=orchestrator, artifact_store=LocalArtifactStore(path=tmp_path / str(number)))
        run = pipelines.mapped.run(stack=stack, count=3 + number)
        results[number] = run["total"].output.load()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert results == {number: sum(n * n for n in range(3 + number)) for number in range(3)}
    assert not ray.is_initialized(), "the last run did not end the connection"


def test_ray_client(make_project: Start, cluster: RayCluster) -> None:
    project = make_project(cluster.client)
    project.run("run", "counting.py", "-p", f"directory={project.notes}", "-p", "seconds=0")
    assert project.output("joined") == "hello 0, hello 1, hello 2, hello 3"


def test_the_code_is_brought_to_the_workers(make_project: Start, cluster: RayCluster) -> None:
    project = make_project(cluster.address)
    parameters = ["-p", f"directory={project.notes}", "-p", "seconds=0"]
    project.run("run", "counting.py", *parameters)
    assert project.output("joined") == "hello 0, hello 1, hello 2, hello 3"
    assert all("plugbay-code-" in line for line in project.lines("places")), "the driver's own files were imported"
    assert project.logged("first") == "said by a child\n"
    (project.directory / "wording.py").write_text('GREETING = "goodbye"\n')
    project.run("run", "counting.py", *parameters)
    assert project.output("joined").startswith("goodbye 0"), "the workers kept the code of the run before"


def test_a_killed_worker_fails_an_attempt_and_nothing_else(make_project: Start, cluster: RayCluster) -> None:
    project = make_project(cluster.address)
    driver = project.start("run", "counting.py", "-p", f"directory={project.notes}")
    wait_until(lambda: len(project.begun()) == 2)
    struck, (pid, *_) = next(iter(project.begun().items()))
    os.kill(int(pid), signal.SIGKILL)
    (project.notes / "go").touch()
    assert driver.wait(stretched(100)) == 0, project.printed()
    attempts = {number: len(project.lines(f"slow-{number}")) for number in range(4)}
    assert attempts == {number: 2 if number == struck else 1 for number in range(4)}
    assert project.second_attempts() == [f"slow_{struck}.2.json"]


def test_a_killed_node_fails_the_attempts_on_it_and_no_others(make_project: Start, cluster: RayCluster) -> None:
    node = cluster.add_node()
    project = make_project(cluster.address)
    driver = project.start("run", "counting.py", "-p", f"directory={project.notes}")
    wait_until(lambda: len(project.begun()) == 3)
    there = {str(pid) for pid in descendants(node.pid)}
    (struck,) = (number for number, (pid, *_) in project.begun().items() if pid in there)
    cluster.kill_node(node)
    wait_until(lambda: len(project.lines(f"slow-{struck}")) == 2 or _free(project, struck))
    (project.notes / "go").touch()
    assert driver.wait(stretched(100)) == 0, project.printed()
    attempts = {number: len(project.lines(f"slow-{number}")) for number in range(4)}
    assert attempts == {number: 2 if number == struck else 1 for number in range(4)}
    assert project.second_attempts() == [f"slow_{struck}.2.json"]


def test_a_killed_driver_takes_its_steps_along_and_is_resumed(make_project: Start, cluster: RayCluster) -> None:
    project = make_project(cluster.address)
    driver = project.start("run", "counting.py", "-p", f"directory={project.notes}", "-p", "count=2")
    wait_until(lambda: len(project.begun()) == 2)
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pids in project.begun().values() for pid in pids))
    (project.notes / "go").touch()
    project.run("run", "--resume", "last")
    assert project.lines("first") == ["x"], "a step that was recorded ran again"


def test_processes_of_a_cancelled_step_end_with_it(make_project: Start, cluster: RayCluster) -> None:
    project = make_project(cluster.address)
    driver = project.start("run", "parental.py", "-p", f"directory={project.notes}")
    wait_until(lambda: project.lines("child"))
    (child,) = project.lines("child")
    driver.send_signal(signal.SIGINT)
    assert driver.wait(stretched(60)) != 0
    wait_until(lambda: not Path(f"/proc/{child}").exists(), 15)


def test_a_step_runs_where_what_it_asks_for_is(make_project: Start, cluster: RayCluster) -> None:
    able = cluster.add_node("--num-cpus=1", '--resources={"licence": 1}')
    address = f"127.0.0.{len(cluster.nodes)}"
    project = make_project(cluster.address, resources=["licence"], runtime_env={"env_vars": {"COLOUR": "blue"}})
    project.run("run", "demanding.py")
    assert project.output("places") == [f"{address} blue"] * 3
    able.stop()


def test_what_no_node_has_is_refused_before_the_run(make_project: Start, cluster: RayCluster) -> None:
    project = make_project(cluster.address)
    assert project.start("run", "demanding.py").wait(stretched(60)) == 2
    assert "licence" in project.printed()


def test_a_cluster_that_is_not_there_is_named(tmp_path: Path) -> None:
    orchestrator = RayOrchestrator(address="127.0.0.1:9", timeout=1)
    stack = Stack(orchestrator=orchestrator, artifact_store=LocalArtifactStore(path=tmp_path))
    with pytest.raises((RunFailed, PlugbayError, OSError), match=r"127\.0\.0\.1:9"):
        pipelines.diamond.run(stack=stack)


def test_describing_the_flavor_imports_no_ray() -> None:
    code = "import sys, plugbay_ray.orchestrator; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def _free(project: Project, struck: int) -> bool:
    """Let one of the others end when the second attempt has nowhere to go."""
    (project.notes / "go").touch()
    return False
