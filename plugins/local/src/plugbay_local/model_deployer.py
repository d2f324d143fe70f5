"""The model deployer that serves each model from a process of this machine, over HTTP."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.deployment import Servable
from plugbay_local.predicting.loading import PICKLES
from plugbay_local.serving.deployer import ServerDeployer


@component
class HttpModelDeployer(ServerDeployer):
    """Serve each model from a process of this machine: JSON to ``POST /predict``, on 127.0.0.1 only."""

    kept_in = "deployments"
    server = "plugbay_local.predicting.server"

    def problems(self, model: Servable) -> Sequence[str]:
        """Say what it takes to make a function of the model."""
        if model.predictor is None:
            served = model.format in PICKLES
            return [] if served else [f"format={model.format!r} needs a predictor; only pickles are served without"]
        named = all(model.predictor.partition(":"))
        return [] if named else [f"predictor={model.predictor!r} must be module:qualified.name"]

    @hookimpl
    def model_deployer_predict(self, id: str, inputs: Any) -> Any:
        code, answer = self.ask(id, self.predictions, json.dumps(_plain(inputs)).encode())
        told = json.loads(answer)
        if code == 200:
            return told
        msg = f"deployment {id!r} answered {code}: {told.get('error') if isinstance(told, dict) else told}"
        raise ValueError(msg) if code in (400, 422) else OSError(msg)


def _plain(inputs: Any) -> Any:
    """Rows as JSON: records of a dataframe, lists of an array; anything else is sent as it is."""
    if hasattr(inputs, "to_dicts"):  # polars
        return inputs.to_dicts()
    if hasattr(inputs, "to_pylist"):  # pyarrow
        return inputs.to_pylist()
    if hasattr(inputs, "to_dict") and hasattr(inputs, "columns"):  # pandas
        return inputs.to_dict(orient="records")
    if hasattr(inputs, "tolist"):  # numpy
        return inputs.tolist()
    return inputs
