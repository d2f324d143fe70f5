"""The model deployer on a real cluster: the contract, and what is Serve's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from engine_project import Project
from plugbay.testing.model_deployer import ModelDeployerContract
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs.types import DeploymentConfig, DeploymentFilter, Resources, Servable
from plugbay_ray.model_deployer import RayModelDeployer
from plugbay_ray.serving.applications import Application
from servers.ports import free_port
from servers.ray_cluster import RayCluster

Make = Callable[[str], Servable]
SMALL = Resources(cpu=0.1)

pytestmark = [
    pytest.mark.timeout(900),  # each replica is a process that imports Serve
    # Serve and what it imports close no loops, sockets and files at the end of a process, and warn of themselves.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="session")
def url() -> str:
    """Serve has one proxy as long as the cluster lives."""
    return f"http://127.0.0.1:{free_port()}"


@pytest.fixture
def deployer(cluster: RayCluster, url: str) -> Iterator[RayModelDeployer]:
    deployer = RayModelDeployer(address=cluster.address, url=url)
    yield deployer
    for found in deployer.model_deployer_find(DeploymentFilter()):
        deployer.model_deployer_delete(found.id, True)
    deployer.component_stop()


@pytest.fixture
def make_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """Make a model of the source of its predictor, in a package that is not installed."""

    def make(source: str) -> Servable:
        package = tmp_path / "code" / "guessing"
        package.mkdir(parents=True, exist_ok=True)
        (package / "__init__.py").write_text("")
        (package / "factor.py").write_text("FACTOR = 3\n")
        (package / "predictor.py").write_text(source)
        monkeypatch.syspath_prepend(str(package.parent))
        (tmp_path / "model").write_text("")
        return Servable(uri=(tmp_path / "model").as_uri(), predictor="guessing.predictor:make")

    return make


class TestServe(ModelDeployerContract):
    patience = 300.0

    @pytest.fixture
    def component(self, cluster: RayCluster, url: str) -> Any:
        return RayModelDeployer(address=cluster.address, url=url)


TRIPLING = """
from guessing.factor import FACTOR


def make(path):
    return lambda rows: [row * FACTOR for row in rows]
"""
TELLING = """
import os


def make(path):
    return lambda rows: os.getpid()
"""


def test_code_that_is_not_installed_is_brought_along(deployer: RayModelDeployer, make_model: Make) -> None:
    made = deployer.model_deployer_deploy(make_model(TRIPLING), DeploymentConfig(name="tripling"), stretched(120))
    assert deployer.model_deployer_predict("tripling", [1, 2]) == [3, 6]
    request = Request(str(made.url), b"[7]", {"Content-Type": "application/json"})
    with urlopen(request, timeout=stretched(30)) as answer:
        assert json.load(answer) == [21]


def test_a_killed_replica_comes_back(deployer: RayModelDeployer, make_model: Make) -> None:
    config = DeploymentConfig(name="telling", resources=SMALL)
    made = deployer.model_deployer_deploy(make_model(TELLING), config, stretched(120))
    process = deployer.model_deployer_predict("telling", [])
    states = set()
    os.kill(process, signal.SIGKILL)

    def answers() -> bool:
        states.add(deployer.model_deployer_status("telling").state)
        try:
            return deployer.model_deployer_predict("telling", []) != process
        except OSError:
            return False

    wait_until(answers, 120)
    wait_until(lambda: deployer.model_deployer_status("telling") == made, 120)
    assert "failed" not in states  # Serve calls it unhealthy while the only replica starts again


@pytest.mark.parametrize(
    ("status", "replica", "state"),
    [
        ("UNHEALTHY", "STARTING", "starting"),
        ("UNHEALTHY", "STOPPING", "failed"),
        ("DEPLOY_FAILED", "STARTING", "failed"),
    ],
)
def test_an_unhealthy_application_has_failed_only_when_no_replica_starts(status: str, replica: str, state: str) -> None:
    given = {"uri": "file:///model", "labels": {}, "stopped": False, "plugbay": "1"}
    seen = Application("telling", status, "a replica died", given, {"one": replica}, [])
    assert RayModelDeployer(address="auto")._deployment(seen).state == state


def test_a_model_that_takes_the_place_is_loaded_once(deployer: RayModelDeployer, make_model: Make) -> None:
    source = "def make(path):\n    made.append(path)\n    return lambda rows: len(made)\n\n\nmade = []\n"
    config = DeploymentConfig(name="counting", resources=SMALL)
    for _ in range(2):
        deployer.model_deployer_deploy(make_model(source), config, stretched(120))
    for _ in range(10):
        assert deployer.model_deployer_predict("counting", []) == 1
        time.sleep(0.5)


def test_replicas_share_the_requests(deployer: RayModelDeployer, make_model: Make) -> None:
    slow = make_model(f"import time\n{TELLING}".replace("os.getpid()", "time.sleep(1) or os.getpid()"))
    config = DeploymentConfig(name="telling", replicas=2, resources=SMALL, options={"max_ongoing_requests": 1})
    deployer.model_deployer_deploy(slow, config, stretched(120))
    with ThreadPoolExecutor(4) as threads:
        answered = list(threads.map(deployer.model_deployer_predict, ["telling"] * 4, [[]] * 4))
    assert len(set(answered)) == 2


def test_a_variable_of_the_deployment_reaches_the_model(deployer: RayModelDeployer, make_model: Make) -> None:
    source = "import os\n\n\ndef make(path):\n    return lambda rows: os.environ['COLOUR']\n"
    config = DeploymentConfig(name="colour", environment={"COLOUR": "blue"}, resources=SMALL)
    deployer.model_deployer_deploy(make_model(source), config, stretched(120))
    assert deployer.model_deployer_predict("colour", []) == "blue"


def test_a_model_that_finds_no_room_leaves_what_was_served(deployer: RayModelDeployer, make_model: Make) -> None:
    config = DeploymentConfig(name="telling", resources=SMALL)
    made = deployer.model_deployer_deploy(make_model(TELLING), config, stretched(120))
    process = deployer.model_deployer_predict("telling", [])
    with pytest.raises(TimeoutError, match="telling"):
        deployer.model_deployer_deploy(
            make_model(TELLING), DeploymentConfig(name="telling", resources=Resources(cpu=64)), 3
        )
    assert deployer.model_deployer_status("telling") == made
    assert deployer.model_deployer_predict("telling", []) == process, "the model that answered was started again"


def test_a_deployer_that_is_killed_leaves_a_model_that_takes_over(
    cluster: RayCluster, url: str, deployer: RayModelDeployer, make_model: Make
) -> None:
    deployer.model_deployer_deploy(
        make_model(TRIPLING), DeploymentConfig(name="guess", resources=SMALL), stretched(120)
    )
    slow = make_model("import time\n\n\ndef make(path):\n    time.sleep(2)\n    return lambda rows: 'slow'\n")
    code = f"""
import sys
sys.path.insert(0, {os.path.dirname(slow.uri.removeprefix("file://"))!r} + "/code")
from plugbay_hookspecs.types import DeploymentConfig, Resources, Servable
from plugbay_ray.model_deployer import RayModelDeployer
deployer = RayModelDeployer(address={cluster.address!r}, url={url!r})
model = Servable(uri={slow.uri!r}, predictor={slow.predictor!r})
deployer.model_deployer_deploy(model, DeploymentConfig(name="guess", resources=Resources(cpu=0.1)), 600)
"""
    process = subprocess.Popen([sys.executable, "-c", code])
    wait_until(lambda: deployer._found()["guess"].status == "DEPLOYING")
    process.kill()
    process.wait()
    assert deployer.model_deployer_predict("guess", [1]) in ([3], "slow")
    wait_until(lambda: deployer.model_deployer_predict("guess", [1]) == "slow", 120)
    wait_until(lambda: deployer.model_deployer_status("guess").state == "running", 120)


def test_an_application_that_others_deployed_is_not_touched(deployer: RayModelDeployer, make_model: Make) -> None:
    deployer.model_deployer_deploy(make_model(TELLING), DeploymentConfig(name="first", resources=SMALL), stretched(120))
    from ray import serve

    @serve.deployment(ray_actor_options={"num_cpus": 0})
    class Theirs:
        pass

    serve.run(Theirs.bind(), name="theirs", route_prefix="/theirs")
    try:
        assert [found.name for found in deployer.model_deployer_find(DeploymentFilter())] == ["first"]
        with pytest.raises(ValueError, match="not deployed by Plugbay"):
            deployer.model_deployer_deploy(make_model(TELLING), DeploymentConfig(name="theirs"), 60)
        with pytest.raises(KeyError):
            deployer.model_deployer_status("theirs")
        assert not deployer.model_deployer_delete("theirs", True)
        assert "theirs" in serve.status().applications
    finally:
        serve.delete("theirs")


def test_serve_listens_on_loopback_only(deployer: RayModelDeployer, make_model: Make, url: str) -> None:
    deployer.model_deployer_deploy(make_model(TELLING), DeploymentConfig(name="first", resources=SMALL), stretched(120))
    port = int(url.rpartition(":")[2])
    listening = [line.split()[1] for line in Path("/proc/thread-self/net/tcp").read_text().splitlines()[1:]]
    assert {place for place in listening if place.endswith(f":{port:04X}")} == {f"0100007F:{port:04X}"}
    six = Path("/proc/thread-self/net/tcp6").read_text()
    assert f":{port:04X} 00000000000000000000000000000000:0000" not in six


def test_a_run_on_the_cluster_has_its_model_served_and_replaced(
    make_project: Callable[..., Project], cluster: RayCluster, url: str, deployer: RayModelDeployer
) -> None:
    project = make_project(cluster.address)
    with (project.directory / "plugbay.toml").open("a") as config:
        config.write(f'model_deployer.serve = {{ flavor = "ray", address = "auto", url = "{url}" }}\n')
    for factor in (1, 2):
        project.run("run", "pricing.py", "-p", f"factor={factor}", "-p", f"directory={project.notes}")
        request = Request(project.output("deploy"), b"[[1, 2], [3, 4]]", {"Content-Type": "application/json"})
        with urlopen(request, timeout=stretched(30)) as answer:
            assert json.load(answer) == [30 * factor, 70 * factor]
    (found,) = deployer.model_deployer_find(DeploymentFilter(name="prices"))
    assert (found.state, found.labels["plugbay-step"]) == ("running", "deploy")


def test_everything_that_cannot_be_done_is_told_at_once() -> None:
    config = DeploymentConfig(name="x", replicas=0, image="python", options={"colour": 1})
    with pytest.raises(ValueError) as caught:
        RayModelDeployer(address="127.0.0.1:9").model_deployer_deploy(Servable(uri="s3://models/x"), config, 1)
    for told in ("replicas=0", "image='python'", "colour", "s3://models/x", "predictor=None"):
        assert told in str(caught.value)


@pytest.mark.parametrize("address", ["", "local"])
def test_a_cluster_of_the_process_is_refused(address: str) -> None:
    from plugbay.testing.component import STACK

    (problem,) = RayModelDeployer(address=address).component_validate(stack=STACK)
    assert "10.0.0.1:6379" in (problem.remedy or "")


def test_no_cluster_is_an_error_that_names_the_address() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(OSError, match=address):
        RayModelDeployer(address=address).component_health()


def test_without_serve_the_error_names_what_to_install() -> None:
    code = "import sys; sys.modules['starlette'] = None; from plugbay_ray.serving import applications; applications.found(1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "pip install 'plugbay-ray[serve]'" in done.stderr


def test_describing_the_flavor_imports_no_ray() -> None:
    code = "import sys, plugbay_ray.model_deployer; sys.exit('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
