"""A pipeline whose last step has its model served, by code that lies beside it."""

import json
from pathlib import Path

from factors import BASE

from plugbay import current, pipeline, step
from plugbay_hookspecs.types import DeploymentConfig, Resources, Servable


def load(path):
    """Load the model; return what answers a request."""
    factor = json.loads(path.read_text())["factor"]
    return lambda rows: [sum(row) * factor for row in rows]


@step
def train(factor: int) -> dict[str, int]:
    return {"factor": BASE * factor}


@step(cache=False)
def deploy(model: dict[str, int], directory: str) -> str:
    path = Path(directory, f"model-{model['factor']}.json")
    path.write_text(json.dumps(model))
    deployment = current().model_deployer.deploy(
        Servable(uri=path.as_uri(), predictor="pricing:load"),
        DeploymentConfig(name="prices", resources=Resources(cpu=0.1)),
    )
    assert current().model_deployer.predict(deployment.id, [[1, 2]]) == [3 * model["factor"]]
    return str(deployment.url)


@pipeline
def priced(factor: int, directory: str):
    deploy(train(factor), directory)
