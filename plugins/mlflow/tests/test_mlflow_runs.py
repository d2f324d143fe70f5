"""What an MLflow server has of pipelines that ran, as its own REST API tells it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.waiting import stretched, wait_until

sys.path.insert(0, str(Path(__file__).parent))

from reading import Reader, status, tags

from servers.mlflow_server import mlflow_server, running
from servers.ports import free_port

PROJECT = Path(__file__).parent / "project" / "pipeline.py"


class Project:
    """A directory with the pipelines and a stack, whose runs are processes of their own."""

    def __init__(self, directory: Path, uri: str, workers: int, **settings: Any) -> None:
        self.directory = directory
        directory.mkdir(exist_ok=True)
        shutil.copy(PROJECT, directory / "pipeline.py")
        given = "\n".join(f"{name} = {json.dumps(value)}" for name, value in {"uri": uri, **settings}.items())
        (directory / "plugbay.toml").write_text(
            f'stack = "s"\n[stacks.s]\nartifact_store = "local"\n[stacks.s.orchestrator]\nflavor = "local"\n'
            f'workers = {workers}\n[stacks.s.experiment_tracker.mlflow]\nflavor = "mlflow"\n{given}\n'
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "plugbay", "run", *arguments]
        return subprocess.Popen(
            command,
            cwd=self.directory,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        with self.start(*arguments, **environment) as process:
            printed = process.communicate(timeout=stretched(300))[0]
        assert process.returncode == code, printed
        return printed

    @property
    def last(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "plugbay", "show", "last", "--json"]
        done = subprocess.run(
            command, cwd=self.directory, capture_output=True, text=True, check=True, timeout=stretched(60)
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def parents_and_attempts(reader: Reader, run_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    runs = reader.of(run_id)
    return [run for run in runs if "plugbay.step" not in tags(run)], [
        run for run in runs if "plugbay.step" in tags(run)
    ]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_user_code_logs_with_mlflow_is_in_the_attempts_run(tmp_path, mlflow_uri, workers):
    project, reader = Project(tmp_path / "p", mlflow_uri, workers), Reader(mlflow_uri)
    project.run("pipeline.py:training")
    run_id = project.last["id"]
    (parent,), attempts = parents_and_attempts(reader, run_id)
    assert status(parent) == "FINISHED"
    assert {name: tags(parent)[f"plugbay.{name}"] for name in ("pipeline", "stack")} == {
        "pipeline": "training",
        "stack": "s",
    }
    steps = Counter(tags(run)["plugbay.step"] for run in attempts)
    assert steps == Counter(["rows", "depths_of", "train.0", "train.1", "total"])
    assert {status(run) for run in attempts} == {"FINISHED"}
    assert {tags(run)["mlflow.parentRunId"] for run in attempts} == {parent["info"]["run_id"]}
    for depth, step in ((2, "train.0"), (3, "train.1")):
        (train,) = [run for run in attempts if tags(run)["plugbay.step"] == step]
        metrics = {metric["key"]: metric["value"] for metric in train["data"]["metrics"]}
        assert (metrics["by_mlflow"], metrics["by_plugbay"]) == (depth, depth)
        assert "training_r2_score" in metrics, "autologging is elsewhere"
        params = {param["key"]: param["value"] for param in train["data"]["params"]}
        assert (params["max_depth"], params["criterion"]) == (str(depth), "squared_error")
        inner = reader.runs(f"tags.mlflow.parentRunId = '{train['info']['run_id']}'")
        assert [run["info"]["run_name"] for run in inner] == ["inner"]
        url = f"{mlflow_uri}/#/experiments/{train['info']['experiment_id']}/runs/{train['info']['run_id']}"
        records = (tmp_path / "home").rglob(f"runs/{run_id}/steps/{step}.1.json")
        assert [url in record.read_text() for record in records] == [True], "the record does not tell where to look"


@pytest.mark.parametrize("workers", [1, 2])
def test_a_retry_is_a_run_of_its_own(tmp_path, mlflow_uri, workers):
    project, reader = Project(tmp_path / "p", mlflow_uri, workers, autolog=False), Reader(mlflow_uri)
    project.run("pipeline.py:retried", "-p", f"marker={tmp_path / 'marker'}")
    (parent,), attempts = parents_and_attempts(reader, project.last["id"])
    assert status(parent) == "FINISHED"
    assert [(tags(run)["plugbay.attempt"], status(run)) for run in attempts] == [("1", "FAILED"), ("2", "FINISHED")]


def test_a_resumed_run_goes_on_in_the_same_one(tmp_path, mlflow_uri):
    project, reader = Project(tmp_path / "p", mlflow_uri, 1, autolog=False), Reader(mlflow_uri)
    project.run("pipeline.py:resumed", "-p", f"marker={tmp_path / 'marker'}", code=1)
    run_id = project.last["id"]
    (parent,), attempts = parents_and_attempts(reader, run_id)
    assert status(parent) == "FAILED"
    assert sorted(status(run) for run in attempts) == ["FAILED", "FINISHED"]
    (tmp_path / "marker").touch()
    project.run("--resume", "last")
    assert project.last["id"] == run_id
    (again,), attempts = parents_and_attempts(reader, run_id)
    assert (again["info"]["run_id"], status(again)) == (parent["info"]["run_id"], "FINISHED")
    assert len(attempts) == 3


def test_a_cancelled_run_is_killed(tmp_path, mlflow_uri):
    project, reader = Project(tmp_path / "p", mlflow_uri, 1, autolog=False), Reader(mlflow_uri)
    marker = tmp_path / "marker"
    with project.start("pipeline.py:waiting", "-p", f"marker={marker}") as process:
        wait_for(marker.exists, process)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=stretched(60))
    (parent,), (attempt,) = parents_and_attempts(reader, project.last["id"])
    assert (status(parent), status(attempt)) == ("KILLED", "KILLED")


def test_what_a_killed_worker_could_not_end_is_ended(tmp_path, mlflow_uri):
    project, reader = Project(tmp_path / "p", mlflow_uri, 2, autolog=False), Reader(mlflow_uri)
    project.run("pipeline.py:dying", "--failure", "continue", code=1)
    (parent,), attempts = parents_and_attempts(reader, project.last["id"])
    assert status(parent) == "FAILED"
    assert {tags(run)["plugbay.step"]: status(run) for run in attempts} == {"first": "FINISHED", "dies": "FAILED"}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_server_that_is_not_there_fails_nothing_and_is_told(tmp_path, workers):
    uri = f"http://127.0.0.1:{free_port()}"
    project = Project(tmp_path / "p", uri, workers)
    before = time.monotonic()
    printed = project.run("pipeline.py:retried", "-p", f"marker={tmp_path / 'marker'}")
    assert time.monotonic() - before < stretched(30)
    assert f"the MLflow server {uri} cannot be reached" in printed


def test_a_server_that_never_answers_stalls_nothing_for_minutes(tmp_path):
    import socket

    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        project = Project(tmp_path / "p", f"http://127.0.0.1:{silent.getsockname()[1]}", 1, timeout=1.0)
        before = time.monotonic()
        printed = project.run("pipeline.py:retried", "-p", f"marker={tmp_path / 'marker'}")
    assert time.monotonic() - before < stretched(30)
    assert "cannot be reached" in printed


def test_a_server_that_is_killed_in_the_middle_fails_nothing_and_stalls_nothing(tmp_path):
    server = mlflow_server(tmp_path / "server")
    server.start()
    try:
        project, marker = Project(tmp_path / "p", server.url, 1, timeout=60.0), tmp_path / "marker"
        with project.start("pipeline.py:waiting", "-p", f"marker={marker}") as process:
            wait_for(marker.exists, process)
            server.kill()
            killed = time.monotonic()
            marker.unlink()
            printed = process.communicate(timeout=stretched(120))[0]
        assert process.returncode == 0, printed
        assert time.monotonic() - killed < stretched(60)
        assert "cannot be reached" in printed
    finally:
        server.stop()
    with server:
        (parent,), (attempt,) = parents_and_attempts(Reader(server.url), project.last["id"])
        assert [metric["key"] for metric in attempt["data"]["metrics"]] == ["before"]
        assert status(parent) == "RUNNING", "nobody could tell the server"


def test_user_and_password_reach_the_server_and_no_environment(tmp_path):
    with running(tmp_path / "server", auth=True) as uri:
        reader = Reader(uri, "admin:of-a-test-4711")
        right = Project(tmp_path / "right", uri, 2, timeout=60.0, username="admin", password="of-a-test-4711")
        printed = right.run("pipeline.py:one")
        (parent,), attempts = parents_and_attempts(reader, right.last["id"])
        (train,) = [run for run in attempts if tags(run)["plugbay.step"] == "train"]
        assert "by_mlflow" in {metric["key"] for metric in train["data"]["metrics"]}, printed
        assert status(parent) == "FINISHED"
        assert "of-a-test-4711" not in printed
        wrong = Project(tmp_path / "wrong", uri, 1, timeout=60.0, username="admin", password="guessed-badly")
        printed = wrong.run("pipeline.py:one", "--no-cache")
        assert "check username, password or token" in printed
        assert "guessed-badly" not in printed


def wait_for(condition: Any, process: subprocess.Popen[str]) -> None:
    wait_until(lambda: condition() or process.poll() is not None, 120)
    assert process.poll() is None, process.communicate()[0]
