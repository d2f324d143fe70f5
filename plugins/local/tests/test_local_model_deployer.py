"""Models that are served by processes of this machine."""

import fcntl
import hashlib
import json
import os
import pickle
import signal
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from plugbay.testing.model_deployer import ModelDeployerContract
from plugbay.testing.waiting import stretched, wait_until
from plugbay_hookspecs.types import DeploymentConfig, DeploymentFilter, Resources, Servable
from plugbay_local.model_deployer import HttpModelDeployer
from plugbay_local.processes.detached import Detached


@pytest.fixture
def deployer(tmp_path: Path) -> Any:
    deployer = HttpModelDeployer(directory=tmp_path / "deployments")
    yield deployer
    for found in deployer.model_deployer_find(DeploymentFilter()):
        deployer.model_deployer_delete(found.id, True)


class TestHttp(ModelDeployerContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> Any:
        return HttpModelDeployer(directory=tmp_path / "deployments")


def pickled(tmp_path: Path, model: object) -> Servable:
    path = tmp_path / "model.pickle"
    path.write_bytes(pickle.dumps(model))
    return Servable(uri=path.as_uri(), format="pickle", digest=hashlib.sha256(path.read_bytes()).hexdigest())


CONFIG = DeploymentConfig(name="sizes")


def test_a_pickled_model_answers_over_http(tmp_path, deployer):
    made = deployer.model_deployer_deploy(pickled(tmp_path, len), CONFIG, stretched(30))
    with urllib.request.urlopen(urljoin(made.url, "/health"), timeout=stretched(10)) as answer:
        assert json.load(answer)["status"] == "ok"
    assert asked(made.url, json.dumps([1, 2, 3])) == (200, 3)


def asked(url: str, body: str, **headers: str) -> tuple[int, Any]:
    """The status and the JSON of the answer to a POST."""
    request = urllib.request.Request(url, body.encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=stretched(10)) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_json_that_is_nested_too_deeply_is_refused_and_not_dropped(tmp_path, deployer):
    made = deployer.model_deployer_deploy(pickled(tmp_path, len), CONFIG, stretched(30))
    code, told = asked(made.url, "[" * 100_000 + "]" * 100_000)
    assert (code, "nested too deeply" in told["error"]) == (400, True)
    assert asked(made.url, "[1]") == (200, 1)


@pytest.mark.parametrize("origin", ["http://elsewhere.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_gets_no_answer(tmp_path, deployer, origin):
    made = deployer.model_deployer_deploy(pickled(tmp_path, len), CONFIG, stretched(30))
    code, told = asked(made.url, "[1]", Origin=origin)
    assert (code, "origin" in told["error"]) == (403, True)
    assert asked(made.url, "[1]", Origin=urljoin(made.url, "/").rstrip("/")) == (200, 1)


def test_a_name_that_leads_to_this_machine_from_elsewhere_gets_no_answer(tmp_path, deployer):
    made = deployer.model_deployer_deploy(pickled(tmp_path, len), CONFIG, stretched(30))
    port = urlsplit(made.url).port
    assert asked(made.url, "[1]", Host=f"localhost:{port}") == (200, 1)
    code, told = asked(made.url, "[1]", Host=f"rebound.example:{port}")
    assert (code, "rebound.example" in told["error"]) == (421, True)


def test_arrays_and_frames_are_sent_as_rows(tmp_path, deployer):
    numpy = pytest.importorskip("numpy")
    polars = pytest.importorskip("polars")
    made = deployer.model_deployer_deploy(pickled(tmp_path, list), CONFIG, stretched(30))
    assert deployer.model_deployer_predict(made.id, numpy.eye(2)) == [[1.0, 0.0], [0.0, 1.0]]
    assert deployer.model_deployer_predict(made.id, polars.DataFrame({"a": [1, 2]})) == [{"a": 1}, {"a": 2}]


def test_a_file_with_another_digest_is_not_unpickled(tmp_path, deployer):
    servable = pickled(tmp_path, len)
    Path(tmp_path / "model.pickle").write_bytes(pickle.dumps(print))
    with pytest.raises(RuntimeError, match="has the digest"):
        deployer.model_deployer_deploy(servable, CONFIG, stretched(30))


def test_everything_that_cannot_be_done_is_told_at_once(tmp_path, deployer):
    config = DeploymentConfig(name="x", replicas=2, image="python", resources=Resources(gpu=1), options={"colour": 1})
    with pytest.raises(ValueError) as caught:
        deployer.model_deployer_deploy(Servable(uri="s3://x/y", format="onnx"), config, 1)
    for told in ("replicas=2", "image='python'", "gpu", "colour", "s3://x/y", "format='onnx'"):
        assert told in str(caught.value)


def test_a_server_that_was_killed_is_told_and_can_be_started(tmp_path, deployer):
    made = deployer.model_deployer_deploy(pickled(tmp_path, len), CONFIG, stretched(30))
    os.kill(int((deployer.directory / "sizes" / "server-1.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: "process is gone" in deployer.model_deployer_status(made.id).detail)
    found = deployer.model_deployer_status(made.id)
    assert found.state == "failed"
    assert "its process is gone" in found.detail
    assert deployer.model_deployer_start(made.id, stretched(30)) == made
    assert deployer.model_deployer_predict(made.id, [1]) == 1


class Fetching(HttpModelDeployer):
    """Serves pickles of a place that this machine has no path to."""

    def found(self, uri: str) -> None:
        return None

    def fetch(self, uri: str, target: Path) -> Path:
        target.mkdir()
        path = target / "model.pickle"
        path.write_bytes(pickle.dumps({"far://length": len, "far://sum": sum}[uri]))
        return path


def test_a_model_that_was_fetched_is_there_each_time_it_is_started_again_and_goes_when_replaced(tmp_path):
    deployer = Fetching(directory=tmp_path / "deployments")
    fetched = deployer.directory / "sizes"
    made = deployer.model_deployer_deploy(Servable(uri="far://length"), CONFIG, stretched(30))
    try:
        for _ in range(2):
            deployer.model_deployer_stop(made.id, True)
            assert deployer.model_deployer_start(made.id, stretched(30)) == made
            assert deployer.model_deployer_predict(made.id, [1, 2]) == 2
        assert [path.name for path in fetched.glob("*.model")] == ["1.model"]
        with pytest.raises(KeyError):
            deployer.model_deployer_deploy(Servable(uri="far://none"), CONFIG, stretched(30))
        assert [path.name for path in fetched.glob("*.model")] == ["1.model"]
        deployer.model_deployer_deploy(Servable(uri="far://sum"), CONFIG, stretched(30))
        assert deployer.model_deployer_predict(made.id, [1, 2]) == 3
        deployer.model_deployer_deploy(Servable(uri="far://length"), CONFIG, stretched(30))
        assert "1.model" not in [path.name for path in fetched.glob("*.model")]
    finally:
        deployer.model_deployer_delete(made.id, True)


def test_what_a_killed_deploying_process_left_is_not_in_the_way(tmp_path, deployer):
    left = deployer.directory / "sizes"
    (left / "1.model").mkdir(parents=True)
    (left / "1.decided").touch()
    assert deployer.model_deployer_find(DeploymentFilter()) == []
    assert deployer.model_deployer_deploy(pickled(tmp_path, len), CONFIG, stretched(30)).state == "running"
    assert not (left / "1.model").exists()


def test_a_process_starts_although_somebody_just_asks_whether_it_lives(tmp_path):
    process = Detached(tmp_path, "one")
    asking = os.open(tmp_path / "one.lock", os.O_RDONLY | os.O_CREAT, 0o600)
    fcntl.flock(asking, fcntl.LOCK_SH)
    done = threading.Timer(0.3, os.close, (asking,))
    done.start()
    try:
        process.start(["/bin/sleep", "60"], {}, tmp_path / "log")
        assert process.lives()
    finally:
        done.join()
        process.kill()
