"""docs/examples/flights, unchanged, on four stacks: `--stack` alone says where it runs, where it keeps things, who is told.

The stacks are the user's, in ``config.toml``. Every server is in one network of the test's own, because Ray listens on all
addresses. The engines' workers have a home and a directory of their own, and no credential but those that the stack's
secrets manager finds there.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plugbay.testing.waiting import stretched
from plugbay_hookspecs import Secret
from plugbay_secrets.file import FileSecretsManager
from servers.ceph import ACCESS_KEY, PACKAGES, SECRET_KEY, ceph, create_bucket
from servers.dask_cluster import DaskCluster
from servers.debian import need
from servers.mlflow_server import running as mlflow_running
from servers.namespace import Namespace
from servers.ray_cluster import ENVIRONMENT as RAY_ENVIRONMENT
from servers.ray_cluster import RayCluster

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "flights"
BUCKET = "flights"
STACKS = ("default", "cluster", "farm", "tracked")
IN_S3 = ("cluster", "farm")
IN_MLFLOW = ("cluster", "tracked")
STEPS = {"load_flights", "load_weather", "prepare", "split", "propose", "fit", "choose", "evaluate", "report"}

USER_CONFIG = """
[stacks.cluster]                                  # Ray, S3 and MLflow
orchestrator = {{ flavor = "ray", address = "{ray}" }}
artifact_store = {cluster_store}
experiment_tracker.mlflow = {{ flavor = "mlflow", uri = "{mlflow}", autolog = false }}
secrets_manager.vault = {{ flavor = "file", path = "{vault}", key = {{ env = "VAULT_KEY" }} }}

[stacks.farm]                                     # Dask and S3
orchestrator = {{ flavor = "dask", address = "{dask}" }}
artifact_store = {farm_store}
secrets_manager.variables = {{ flavor = "environment" }}

[stacks.tracked]                                  # this machine and MLflow
orchestrator = "local"
artifact_store = {{ flavor = "local", path = "{home}/tracked" }}
experiment_tracker.mlflow = {{ flavor = "mlflow", uri = "{mlflow}" }}
"""
STORE = (
    '{{ flavor = "s3", bucket = "{bucket}", prefix = "{prefix}", endpoint = "{endpoint}", '
    'access_key_id = {{ secret = "s3.access-key" }}, secret_access_key = {{ secret = "s3.secret-key" }} }}'
)
SECOND_MACHINE = """
stack = "history"

[stacks.history]
orchestrator = "local"
artifact_store = {store}
secrets_manager.variables = {{ flavor = "environment" }}
"""
VARIABLES = {"SECRET_S3__ACCESS_KEY": ACCESS_KEY, "SECRET_S3__SECRET_KEY": SECRET_KEY}
"""What the stack's secrets manager reads where it is ``environment``."""
VAULT_KEY = base64.urlsafe_b64encode(os.urandom(32)).decode()


class Machine:
    """A home and a directory, in which commands are run within the network of the servers."""

    def __init__(self, root: Path, network: Namespace, config: str, variables: dict[str, str]) -> None:
        self.project, self.network = root / "project", network
        (root / "home").mkdir(parents=True)
        (root / "home" / "config.toml").write_text(config)
        self.environment = {**os.environ, **variables, "PLUGBAY_HOME": str(root / "home"), "HOME": str(root)}

    def plugbay(self, *words: str) -> str:
        with self.network.inside():
            done = subprocess.run(
                [sys.executable, "-m", "plugbay", *words],
                cwd=self.project,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=stretched(600),
                check=False,
            )
        assert done.returncode == 0, f"{words}:\n{done.stdout}\n{done.stderr}"
        assert SECRET_KEY not in done.stdout + done.stderr
        return done.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.plugbay(*words, "--json"))


class Flights:
    """The servers, the driver's machine, and the runs, each made when it is first asked for."""

    def __init__(self, root: Path, network: Namespace, servers: contextlib.ExitStack) -> None:
        self.root, self.network, self._servers = root, network, servers
        self._runs: dict[str, dict[str, Any]] = {}
        with network.inside():
            self.endpoint = servers.enter_context(ceph(root / "ceph")).endpoint
            create_bucket(self.endpoint, BUCKET)
            self.mlflow = servers.enter_context(mlflow_running(root / "mlflow"))
            dask = self._dask()
            ray = self._ray()
        config = USER_CONFIG.format(
            ray=ray,
            dask=dask,
            mlflow=self.mlflow,
            vault=root / "vault",
            home=root / "driver" / "home",
            **{f"{stack}_store": self.store(stack) for stack in IN_S3},
        )
        self.driver = Machine(
            root / "driver", network, config, {**VARIABLES, "VAULT_KEY": VAULT_KEY, **RAY_ENVIRONMENT}
        )
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(EXAMPLE, self.driver.project, ignore=ignored)

    def store(self, prefix: str) -> str:
        return STORE.format(bucket=BUCKET, prefix=prefix, endpoint=self.endpoint)

    def run(self, stack: str) -> dict[str, Any]:
        """What `plugbay show` tells of the run on a stack."""
        if stack not in self._runs:
            self.driver.plugbay("run", "pipeline.py:flights", "-p", "rows=20000", "--stack", stack)
            self._runs[stack] = self.driver.json("show", "last", "--stack", stack)
        return self._runs[stack]

    def _dask(self) -> str:
        (self.root / "dask").mkdir()
        cluster = self._servers.enter_context(DaskCluster(self.root / "dask"))
        for number in range(2):
            home = self.root / f"dask-worker-{number}"
            home.mkdir()
            cluster.add_worker(environment={**VARIABLES, "PLUGBAY_HOME": str(home), "HOME": str(home)})
        return cluster.address

    def _ray(self) -> str:
        vault = FileSecretsManager(path=self.root / "vault", key=Secret(VAULT_KEY))
        vault.secrets_manager_create(name="s3", values={"access-key": ACCESS_KEY, "secret-key": SECRET_KEY})
        home = self.root / "ray-node"
        home.mkdir()
        with pytest.MonkeyPatch.context() as environment:
            for name, value in {"VAULT_KEY": VAULT_KEY, "PLUGBAY_HOME": str(home), "HOME": str(home)}.items():
                environment.setenv(name, value)
            cluster = self._servers.enter_context(RayCluster("--num-cpus=1"))
            cluster.add_node()
        return cluster.address

    def at_mlflow(self, run_id: str) -> list[dict[str, Any]]:
        """What the server keeps of a run and its attempts."""
        experiment = self._asked("experiments/get-by-name?experiment_name=flights")["experiment"]["experiment_id"]
        query = {"experiment_ids": [experiment], "filter": f"tags.plugbay.run_id = '{run_id}'", "max_results": 100}
        found: list[dict[str, Any]] = self._asked("runs/search", query)["runs"]
        return found

    def _asked(self, route: str, query: object = None) -> Any:
        body = None if query is None else json.dumps(query).encode()
        request = urllib.request.Request(
            f"{self.mlflow}/api/2.0/mlflow/{route}", body, {"Content-Type": "application/json"}
        )
        with self.network.inside(), urllib.request.urlopen(request, timeout=stretched(60)) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def flights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flights]:
    need(*PACKAGES)  # in the network of its own there is nowhere to get them from
    network = Namespace()
    with contextlib.closing(network), contextlib.ExitStack() as servers:
        yield Flights(tmp_path_factory.mktemp("flights"), network, servers)


@pytest.fixture
def second_machine(flights: Flights, tmp_path: Path) -> Callable[[str], Machine]:
    """Make a machine with another home, an empty directory and a configuration of nothing but the store of a stack."""

    def make(stack: str) -> Machine:
        config = SECOND_MACHINE.format(store=flights.store(stack))
        machine = Machine(tmp_path / "second", flights.network, config, VARIABLES)
        machine.project.mkdir()
        return machine

    return make


@pytest.mark.parametrize("stack", STACKS)
def test_every_step_succeeds(flights: Flights, stack: str) -> None:
    run = flights.run(stack)
    assert (run["stack"], run["status"]) == (stack, "succeeded")
    assert {step["id"]: step["status"] for step in run["steps"]} == dict.fromkeys(STEPS, "succeeded")


def test_all_stacks_come_to_the_same_metrics_and_the_same_report(flights: Flights) -> None:
    expected = flights.run("default")
    assert set(metrics(expected, "evaluate")) == {"mae", "baseline_mae", "r2"}
    for stack in STACKS:
        run = flights.run(stack)
        for step in ("choose", "evaluate"):
            assert metrics(run, step) == metrics(expected, step), stack
        assert digests(run) == digests(expected), stack


@pytest.mark.parametrize("stack", IN_MLFLOW)
def test_mlflow_shows_the_run_and_each_attempt(flights: Flights, stack: str) -> None:
    run = flights.run(stack)
    found = flights.at_mlflow(run["id"])
    assert {each["info"]["status"] for each in found} == {"FINISHED"}
    attempts = {tags(each).get("plugbay.step"): each for each in found}
    calls = {f"fit.{number}" for number in range(3)}
    assert set(attempts) == (STEPS - {"fit"}) | calls | {None}, "the run itself has no step"
    logged = {metric["key"]: metric["value"] for metric in attempts["evaluate"]["data"]["metrics"]}
    assert logged == metrics(run, "evaluate")
    candidates = {
        param["value"] for call in calls for param in attempts[call]["data"]["params"] if param["key"] == "candidate"
    }
    assert candidates == {"linear", "15 leaves", "31 leaves"}


@pytest.mark.parametrize("stack", IN_S3)
def test_a_machine_that_has_only_the_store_reads_the_history(
    flights: Flights, second_machine: Callable[[str], Machine], stack: str
) -> None:
    run, second = flights.run(stack), second_machine(stack)
    assert (run["id"], "succeeded") in [(each["id"], each["status"]) for each in second.json("runs")]
    assert second.json("show", run["id"]) == run
    assert "predicted an hour ahead" in second.plugbay("logs", run["id"], "evaluate")
    second.plugbay("artifacts", "get", run["id"], "report", "-o", "report.html")
    expected = flights.driver.project / f"{stack}.html"
    flights.driver.plugbay("artifacts", "get", flights.run("default")["id"], "report", "-o", str(expected))
    assert (second.project / "report.html").read_bytes() == expected.read_bytes()


def test_what_one_engine_computed_the_other_takes_from_the_cache(flights: Flights) -> None:
    ray = flights.run("cluster")
    flights.driver.environment["PLUGBAY_STACKS__FARM__ARTIFACT_STORE__PREFIX"] = "cluster"
    try:
        flights.driver.plugbay("run", "pipeline.py:flights", "-p", "rows=20000", "--stack", "farm")
        run = flights.driver.json("show", "last", "--stack", "farm")
    finally:
        del flights.driver.environment["PLUGBAY_STACKS__FARM__ARTIFACT_STORE__PREFIX"]
    assert {step["status"] for step in run["steps"]} == {"cached"}
    assert digests(run) == digests(ray)


def test_no_secret_is_in_what_the_runs_leave_on_the_drivers_machine(flights: Flights) -> None:
    for stack in IN_S3:
        assert SECRET_KEY not in json.dumps(flights.run(stack))
    left = [path for path in flights.driver.project.parent.rglob("*") if path.is_file()]
    assert [path for path in left if SECRET_KEY.encode() in path.read_bytes()] == []


def metrics(run: dict[str, Any], step: str) -> dict[str, float]:
    (found,) = [each["metrics"] for each in run["steps"] if each["id"] == step]
    assert isinstance(found, dict)
    return found


def digests(run: dict[str, Any]) -> dict[str, str]:
    return {
        f"{step['id']}.{output['name']}": output["digest"]
        for step in run["steps"]
        for output in step.get("outputs", [])  # the calls of a mapped step have theirs
    }


def tags(run: dict[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
