"""Facades as a step uses them: what it makes with them keeps the run and the step that it comes from."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import attrs

from plugbay.json_text import indented
from plugbay.stack.facades.data_validator import DataValidator
from plugbay.stack.facades.model_deployer import ModelDeployer
from plugbay.stack.facades.model_registry import ModelRegistry
from plugbay.store.artifacts import digest_of_path
from plugbay.store.layout import blob_key
from plugbay_hookspecs.types import (
    Artifact,
    Check,
    Deployment,
    DeploymentConfig,
    ModelOrigin,
    ModelVersion,
    Report,
    Servable,
)

if TYPE_CHECKING:
    from plugbay.execution.tracking import Tracking
    from plugbay.host.host import Component, Host
    from plugbay.stack.facades.artifact_store import ArtifactStore
    from plugbay_hookspecs.types import StepInfo

RUN_LABEL, STEP_LABEL = "plugbay-run", "plugbay-step"
"""The labels of a deployment that tell the run and the step that deployed it."""


class _Sources:
    """Finds the digest of what a model is made of."""

    def __init__(self, inputs: Sequence[Artifact], store: ArtifactStore) -> None:
        self._inputs, self._store = inputs, store

    def digest(self, source: Path | str) -> str | None:
        """The digest that the files have, or would have, as an artifact; ``None`` when they are not on this machine."""
        for artifact in _parts(self._inputs):
            if str(source) in (artifact.digest, self._store.url(blob_key(artifact.digest))):
                return artifact.digest
        path = _local(source)
        return digest_of_path(path) if path is not None and path.exists() else None


class StepModelRegistry(ModelRegistry):
    """The model registry of a stack, in a step."""

    def __init__(
        self,
        host: Host,
        component: Component,
        step: StepInfo,
        inputs: Sequence[Artifact],
        store: ArtifactStore,
        read: Callable[[ModelRegistry, ModelVersion], Any],
    ) -> None:
        """Reach ``component`` from the attempt ``step``, whose inputs are ``inputs``; ``read`` reads what it cannot load."""
        super().__init__(host, component, read)
        self._step, self._sources = step, _Sources(inputs, store)

    def create_version(
        self,
        name: str,
        source: Path | str,
        *,
        description: str = "",
        metadata: Mapping[str, str] | None = None,
        origin: ModelOrigin | None = None,
    ) -> ModelVersion:
        """Add a version to a model; without an origin it comes from this run and step, and from the bytes of its source."""
        if origin is None:
            digest = self._sources.digest(source)
            origin = ModelOrigin(run_id=self._step.run_id, step=self._step.step, digest=digest or "")
        return super().create_version(name, source, description=description, metadata=metadata or {}, origin=origin)


class StepModelDeployer(ModelDeployer):
    """A model deployer of a stack, in a step."""

    def __init__(
        self, host: Host, component: Component, step: StepInfo, inputs: Sequence[Artifact], store: ArtifactStore
    ) -> None:
        """Reach ``component`` from the attempt ``step``, whose inputs are ``inputs``."""
        super().__init__(host, component)
        self._step, self._sources = step, _Sources(inputs, store)

    def deploy(self, model: Servable, config: DeploymentConfig, *, timeout: float = 300.0) -> Deployment:
        """Serve a model under a name; the deployment's labels tell the run and the step."""
        labels = {RUN_LABEL: self._step.run_id, STEP_LABEL: self._step.step, **config.labels}
        if model.digest is None:
            model = attrs.evolve(model, digest=self._sources.digest(model.uri))
        return super().deploy(model, attrs.evolve(config, labels=labels), timeout=timeout)


class StepDataValidator(DataValidator):
    """A data validator of a stack, in a step: its reports are kept with the tracked run."""

    def __init__(self, host: Host, component: Component, tracking: Tracking) -> None:
        """Reach ``component`` and show its reports to ``tracking``."""
        super().__init__(host, component)
        self._tracking, self._made = tracking, 0

    def profile(self, data: Any, *, reference: Any = None) -> Report | None:
        """Describe a table; ``None`` when the tool draws no profiles."""
        return self._shown("profile", super().profile(data, reference=reference))

    def validate(self, data: Any, checks: Sequence[Check | Any] = (), *, reference: Any = None) -> Report:
        """Check a table; without checks, make those that the settings name."""
        report = super().validate(data, checks, reference=reference)
        self._shown("validate", report)
        return report

    def validate_model(
        self, data: Any, model: Any, checks: Sequence[Check | Any] = (), *, reference: Any = None, target: str
    ) -> Report | None:
        """Check how well a model predicts the column ``target``; ``None`` when the tool checks tables only."""
        report = super().validate_model(data, model, checks, reference=reference, target=target)
        return self._shown("validate_model", report)

    def _shown(self, kind: str, report: Report | None) -> Report | None:
        if report is not None and self._tracking.open:
            self._made += 1
            name = f"{kind}_{self._made}.{'json' if report.html is None else 'html'}"
            content = report.html
            if content is None:
                content = indented(json.loads(json.dumps(attrs.asdict(report), default=str)))
            with tempfile.TemporaryDirectory(prefix="plugbay-report-") as directory:
                file = Path(directory, name)
                file.write_text(content, encoding="utf-8")
                self._tracking.log_artifact(file, f"reports/{self._component.info.name}/{name}")
        return report


def _parts(artifacts: Sequence[Artifact]) -> Iterator[Artifact]:
    for artifact in artifacts:
        yield artifact
        yield from _parts(artifact.items or ())


def _local(source: Path | str) -> Path | None:
    if isinstance(source, Path):
        return source
    parts = urlsplit(source)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    return None if parts.scheme else Path(source)
