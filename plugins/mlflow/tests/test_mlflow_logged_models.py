"""What MLflow 3's own ``log_model`` makes, as the source of a version and as a model that is served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from plugbay.testing.waiting import stretched
from plugbay_hookspecs.types import DeploymentConfig, DeploymentFilter, Servable
from plugbay_mlflow.model_deployer import MlflowModelDeployer
from plugbay_mlflow.model_registry import MlflowModelRegistry

pytestmark = [
    # What MLflow and the libraries that it imports warn of, in this process
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.xdist_group("mlflow-logged-models"),
]


@pytest.fixture(scope="module")
def logged(mlflow_uri: str) -> Any:
    """A model that halves a column of integers, divides by a text, and fails on zero; as ``log_model`` tells of it."""
    import mlflow
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema

    class Halving(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context, model_input):
            if (model_input["count"] == 0).any():
                msg = "the machine is on fire"
                raise RuntimeError(msg)
            if (model_input["count"] < 0).any():
                msg = "a count cannot be negative"
                raise ValueError(msg)
            return [count / 2 for count in model_input["count"].tolist()]

    signature = ModelSignature(inputs=Schema([ColSpec("long", "count")]))
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(mlflow_uri)
    try:
        with mlflow.start_run():
            yield mlflow.pyfunc.log_model(
                name="halving", python_model=Halving(), signature=signature, pip_requirements=["mlflow"]
            )
    finally:
        mlflow.set_tracking_uri(before)


@pytest.fixture
def registry(mlflow_uri: str) -> Iterator[MlflowModelRegistry]:
    registry = MlflowModelRegistry(uri=mlflow_uri)
    registry.model_registry_register("halving", "", {})
    yield registry
    registry.model_registry_delete("halving")


@pytest.fixture(scope="module")
def deployer(tmp_path_factory: pytest.TempPathFactory, mlflow_uri: str) -> Iterator[MlflowModelDeployer]:
    deployer = MlflowModelDeployer(directory=tmp_path_factory.mktemp("deployments"), uri=mlflow_uri)
    yield deployer
    for found in deployer.model_deployer_find(DeploymentFilter()):
        deployer.model_deployer_delete(found.id, True)


@pytest.fixture(scope="module")
def served(logged: Any, deployer: MlflowModelDeployer) -> str:
    """The id of a deployment of the model."""
    config = DeploymentConfig(name="served")
    return deployer.model_deployer_deploy(Servable(uri=logged.model_uri), config, stretched(300)).id


def sources(logged: Any) -> list[str]:
    return [logged.model_uri, f"runs:/{logged.run_id}/halving"]


@pytest.mark.parametrize("number", [0, 1], ids=["models:/m-ID", "runs:/RUN/NAME"])
def test_a_version_made_from_it_is_loaded_by_mlflow_and_by_plugbay(logged, registry, number):
    import mlflow
    import pandas as pd

    made = registry.model_registry_create_version("halving", sources(logged)[number], "", {}, None)
    rows = pd.DataFrame({"count": [2, 5]})
    assert registry.model_registry_load("halving", made.version).predict(rows) == [1, 2.5]
    assert mlflow.pyfunc.load_model(f"models:/halving/{made.version}").predict(rows) == [1, 2.5]


def test_a_source_without_files_is_refused(logged, registry):
    for nothing in (f"runs:/{logged.run_id}/other", "models:/m-" + "0" * 32):
        with pytest.raises(FileNotFoundError, match="there is no such model"):
            registry.model_registry_create_version("halving", nothing, "", {}, None)


def test_it_is_served_by_every_name_it_has(logged, registry, deployer):
    registry.model_registry_create_version("halving", logged.model_uri, "", {}, None)
    for uri in (*sources(logged), "models:/halving/latest"):
        deployer.model_deployer_deploy(Servable(uri=uri), DeploymentConfig(name="halving"), stretched(120))
        assert deployer.model_deployer_predict("halving", {"dataframe_records": [{"count": 4}]}) == [2]


def test_what_the_model_refuses_is_told_apart_from_its_failure(deployer, served):
    import pandas as pd

    with pytest.raises(OSError, match="the machine is on fire"):
        deployer.model_deployer_predict(served, pd.DataFrame({"count": [0]}))
    with pytest.raises(ValueError, match="cannot be negative"):
        deployer.model_deployer_predict(served, pd.DataFrame({"count": [-1]}))
    with pytest.raises(ValueError, match="count"):
        deployer.model_deployer_predict(served, pd.DataFrame({"other": [1]}))


@pytest.mark.parametrize(
    "inputs",
    [
        {"dataframe_records": [{"count": 1}, {"count": 1.5}]},
        {"dataframe_split": {"columns": ["count"], "data": [[1.5]]}},
        {"inputs": {"count": [1.5]}},
        {"inputs": [[1.5]]},
    ],
    ids=["records", "split", "columns", "rows"],
)
def test_a_fraction_is_not_cut_to_an_integer(deployer, served, inputs):
    with pytest.raises(ValueError, match=r"column 'count' is declared as long, and 1\.5 is no integer"):
        deployer.model_deployer_predict(served, inputs)
