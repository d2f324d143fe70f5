"""The typed facade of a model deployer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from plugbay.stack.facades.addressed import ToOne
from plugbay_hookspecs.types import Deployment, DeploymentConfig, DeploymentFilter, Servable

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,51}[a-z0-9])?")


class ModelDeployer(ToOne):
    """What makes a model answer; see :mod:`plugbay_hookspecs.model_deployer` for what each call promises."""

    def deploy(self, model: Servable, config: DeploymentConfig, *, timeout: float = 300.0) -> Deployment:
        """Serve a model under a name; a timeout of 0 does not wait until it answers."""
        if not _NAME.fullmatch(config.name):
            msg = (
                f"the name of a deployment is 1 to 53 lower-case letters, digits and inner hyphens, not {config.name!r}"
            )
            raise ValueError(msg)
        deployed: Deployment = self._value(Deployment, "deploy", model=model, config=config, timeout=timeout)
        return deployed

    def find(self, filters: DeploymentFilter = DeploymentFilter()) -> Sequence[Deployment]:  # noqa: B008  a value
        """The deployments that agree with the filter; all without one."""
        found: Sequence[Deployment] = self._call("find", filters=filters)
        return found

    def status(self, id: str) -> Deployment:
        """How a deployment is doing."""
        found: Deployment = self._value(Deployment, "status", id=id)
        return found

    def start(self, id: str, *, timeout: float = 300.0) -> Deployment | None:
        """Serve again what was stopped; ``None`` when the tool cannot stop and start."""
        started: Deployment | None = self._value(Deployment, "start", id=id, timeout=timeout)
        return started

    def stop(self, id: str, *, force: bool = False) -> Deployment | None:
        """Stop serving; ``None`` when the tool cannot stop and start."""
        stopped: Deployment | None = self._value(Deployment, "stop", id=id, force=force)
        return stopped

    def delete(self, id: str, *, force: bool = False) -> bool:
        """Stop serving and forget the deployment; return whether there was one."""
        existed: bool = self._call("delete", id=id, force=force)
        return existed

    def logs(self, id: str, *, follow: bool = False, tail: int | None = None) -> Iterator[str] | None:
        """What the serving processes printed; ``None`` when the tool keeps no log."""
        lines: Iterator[str] | None = self._call("logs", id=id, follow=follow, tail=tail)
        return lines

    def predict(self, id: str, inputs: Any) -> Any:
        """Send one request; ``None`` when the tool has no way to ask that suits every model."""
        return self._call("predict", id=id, inputs=inputs)
