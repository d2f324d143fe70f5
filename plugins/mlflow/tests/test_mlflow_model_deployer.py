"""MLflow models that are served by processes of this machine."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from plugbay.testing.model_deployer import ROWS, ModelDeployerContract
from plugbay.testing.waiting import stretched
from plugbay_hookspecs.types import Deployment, DeploymentConfig, DeploymentFilter, Servable
from plugbay_mlflow.model_deployer import MlflowModelDeployer
from plugbay_mlflow.model_registry import MlflowModelRegistry

SCALED = """
    import json
    from plugbay.testing.model_deployer import scaled


    class Model:
        def __init__(self, path):
            self.function = scaled(path)

        def predict(self, rows, params=None):
            return self.function(rows.tolist() if hasattr(rows, "tolist") else rows)  # no rows are a list


    def _load_pyfunc(path):
        return Model(path)
"""


def saved(path: Path, settings: dict[str, Any]) -> Path:
    """A model in MLflow's format that predicts as the contract's do."""
    (path / "code").mkdir(parents=True)
    (path / "code" / "scaled_model.py").write_text(dedent(SCALED))
    (path / "settings.json").write_text(json.dumps(settings))
    flavor = {"loader_module": "scaled_model", "code": "code", "data": "settings.json", "python_version": "3.11"}
    (path / "MLmodel").write_text(json.dumps({"flavors": {"python_function": flavor}}))  # JSON is YAML
    return path


class TestMlflow(ModelDeployerContract):
    patience = 120.0

    @pytest.fixture
    def component(self, tmp_path: Path) -> MlflowModelDeployer:
        return MlflowModelDeployer(directory=tmp_path / "deployments")

    @pytest.fixture
    def model(self, tmp_path: Path) -> Callable[..., Servable]:
        def make(**settings: Any) -> Servable:
            path = saved(tmp_path / f"model-{len(list(tmp_path.glob('model-*')))}", settings)
            return Servable(uri=path.as_uri(), format="mlflow")

        return make

    def predicted(self, hooks: Any, deployment: Deployment, rows: Any = ROWS) -> Any:
        inputs = {"inputs": rows} if isinstance(rows, list) else rows
        return hooks.model_deployer_predict(id=deployment.id, inputs=inputs)


@pytest.fixture
def deployer(tmp_path: Path, mlflow_uri: str) -> Iterator[MlflowModelDeployer]:
    deployer = MlflowModelDeployer(directory=tmp_path / "deployments", uri=mlflow_uri)
    yield deployer
    for found in deployer.model_deployer_find(DeploymentFilter()):
        deployer.model_deployer_delete(found.id, True)


def linear(tmp_path: Path) -> Path:
    """A model of scikit-learn's that adds what it is given, with columns that have names."""
    import mlflow.sklearn
    import pandas as pd
    from sklearn.linear_model import LinearRegression

    rows = pd.DataFrame({"a": [0.0, 1.0, 0.0, 2.0], "b": [0.0, 0.0, 1.0, 3.0]})
    model = LinearRegression().fit(rows, rows["a"] + rows["b"])
    mlflow.sklearn.save_model(model, tmp_path / "linear")
    return tmp_path / "linear"


# What MLflow and the libraries that it imports warn of, in this process
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_registered_model_of_scikit_learn_is_loaded_and_served(tmp_path, deployer, mlflow_uri):
    import pandas as pd

    registry = MlflowModelRegistry(uri=mlflow_uri)
    registry.model_registry_register("linear", "", {})
    try:
        version = registry.model_registry_create_version("linear", linear(tmp_path), "", {}, None).version
        registry.model_registry_set_alias("linear", "champion", version)
        rows = pd.DataFrame({"a": [1.0, 2.0], "b": [10.0, 20.0]})
        loaded = registry.model_registry_load("linear", version)
        assert loaded.predict(rows).tolist() == pytest.approx([11, 22])
        made = deployer.model_deployer_deploy(
            Servable(uri="models:/linear@champion"), DeploymentConfig(name="linear"), 120
        )
        assert made.model == "models:/linear@champion"
        assert deployer.model_deployer_predict("linear", rows) == pytest.approx([11, 22])
        for _ in range(2):  # with what was fetched
            deployer.model_deployer_stop("linear", False)
            assert deployer.model_deployer_start("linear", 120) == made
        assert deployer.model_deployer_predict("linear", rows.to_numpy()) == pytest.approx([11, 22])
        with pytest.raises(ValueError, match="linear"):
            deployer.model_deployer_predict("linear", pd.DataFrame({"c": [1]}))
        body = json.dumps({"dataframe_records": [{"a": 1, "b": 2}]}).encode()
        request = urllib.request.Request(str(made.url), body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=stretched(30)) as answer:
            assert json.load(answer)["predictions"] == pytest.approx([3])
    finally:
        registry.model_registry_delete("linear")


def test_a_model_that_the_server_does_not_have_is_refused(deployer, mlflow_uri):
    for uri in ("models:/no-such/1", "models:/no-such@champion", "runs:/0123456789abcdef0123456789abcdef/model"):
        with pytest.raises(ValueError, match="no such model"):
            deployer.model_deployer_deploy(Servable(uri=uri), DeploymentConfig(name="x"), 60)
    assert deployer.model_deployer_find(DeploymentFilter()) == []


def test_everything_that_cannot_be_done_is_told_at_once(tmp_path):
    deployer = MlflowModelDeployer(directory=tmp_path)
    config = DeploymentConfig(name="x", replicas=2, image="python", options={"colour": 1})
    with pytest.raises(ValueError) as caught:
        deployer.model_deployer_deploy(Servable(uri="models:/x/1", format="onnx"), config, 1)
    for told in ("replicas=2", "image='python'", "colour", "set its uri", "format='mlflow'"):
        assert told in str(caught.value)
