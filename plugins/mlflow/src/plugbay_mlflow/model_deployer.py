"""The model deployer that serves MLflow models from processes of this machine, with MLflow's scoring server."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from plugbay_hookspecs import Secret, component, hookimpl
from plugbay_hookspecs.types.deployment import Servable
from plugbay_hookspecs.types.stack import Problem, StackInfo
from plugbay_local.serving.deployer import ServerDeployer
from plugbay_mlflow.credentials import Credentials
from plugbay_mlflow.server import Server, uri_problems
from plugbay_mlflow.serving.fetching import fetched
from plugbay_mlflow.serving.requests import plain, predicted
from plugbay_mlflow.serving.signature import fractions_in


@component
class MlflowModelDeployer(ServerDeployer):
    """Serve each MLflow model with MLflow's scoring server, in a process of this machine, on 127.0.0.1 only."""

    kept_in = "mlflow-deployments"
    server = "plugbay_mlflow.serving.server"
    health = "/ping"
    predictions = "/invocations"

    uri: str | None = None
    """The address of the server that models at `models:/` and `runs:/` are fetched from."""
    username: str | None = None
    password: Secret | None = None
    token: Secret | None = None

    def problems(self, model: Servable) -> Sequence[str]:
        """Say that MLflow serves its own."""
        own = model.predictor is None and model.format in (None, "mlflow")
        return [] if own else ["only a model that MLflow saved is served: format='mlflow', and no predictor"]

    def found(self, uri: str) -> Path | None:
        """Find the directory that MLflow saved, or leave the model to be fetched."""
        if urlsplit(uri).scheme in ("models", "runs", "mlflow-artifacts"):
            if self.uri is None:
                msg = f"{uri}: the deployer has no server to ask; set its uri"
                raise ValueError(msg)
            return None
        path = super().found(uri)
        if path is None or not (path / "MLmodel").is_file():
            msg = f"{uri}: a model that MLflow saved is a directory with a file MLmodel, and there is none"
            raise ValueError(msg)
        return path

    def fetch(self, uri: str, target: Path) -> Path:
        """Copy the model from the server."""
        return fetched(uri, self._tracking, target)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        return [] if self.uri is None else uri_problems(self.uri, self._credentials)

    @hookimpl
    def model_deployer_predict(self, id: str, inputs: Any) -> Any:
        request = plain(inputs)
        wrong = fractions_in(request, self.path_of(id))
        if wrong:
            msg = f"deployment {id!r} does not take these inputs: {'; '.join(wrong)}"
            raise ValueError(msg)
        return predicted(id, *self.ask(id, self.predictions, json.dumps(request).encode()))

    @property
    def _credentials(self) -> Credentials:
        return Credentials(self.username, self.password, self.token)

    @cached_property
    def _tracking(self) -> Server:
        assert self.uri is not None
        return Server(self.uri, self._credentials, timeout=60, retries=2)
