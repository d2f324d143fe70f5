"""Models that answer requests."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import field, frozen

from plugbay_hookspecs.types.plan import Resources

DeploymentState: TypeAlias = Literal["starting", "running", "stopped", "failed"]


@frozen(kw_only=True)
class Servable:
    """A model to be served: where its files lie, and how they become predictions."""

    uri: str
    """``file://``, ``s3://``, or an address that the tool knows: ``models:/flights/3``."""
    format: str | None = None
    """How it was saved: ``mlflow``, ``onnx``, ``sklearn``, or a serializer's name; ``None``: the tool finds out."""
    predictor: str | None = None
    """``module:qualified.name`` of a function that takes the local path of the files and returns a function from inputs
    to predictions: for a tool that serves Python code."""
    digest: str | None = None
    """Of the artifact that it is."""


@frozen(kw_only=True)
class DeploymentConfig:
    """How to serve a model."""

    name: str
    """Lower-case letters, digits and hyphens, at most 53 characters. One deployment has it at a time."""
    replicas: int = 1
    resources: Resources = field(factory=Resources)
    """Of each replica."""
    image: str | None = None
    """The reference of the container image to serve in; ``None``: the tool's own."""
    environment: Mapping[str, str] = field(factory=dict)
    """Variables of the serving processes; no secret is among them."""
    labels: Mapping[str, str] = field(factory=dict)
    """Kept with the deployment; among them the run and step that deployed it."""
    options: Mapping[str, object] = field(factory=dict)
    """What only this tool knows, under its own names."""


@frozen(kw_only=True)
class Deployment:
    """A model that is, or was, served."""

    id: str
    """By which the tool, in any process, finds it again; the same for as long as the name is deployed."""
    name: str
    state: DeploymentState
    url: str | None = None
    """Where inputs are sent to by POST, in the form of the tool; ``None`` while there is no such place. It stays the same
    when the model is replaced."""
    model: str | None = None
    """The :attr:`Servable.uri` of the model that answers."""
    detail: str = ""
    """For a person: why it is not running."""
    labels: Mapping[str, str] = field(factory=dict)


@frozen(kw_only=True)
class DeploymentFilter:
    """Which deployments to find: those that agree with everything given."""

    name: str | None = None
    state: DeploymentState | None = None
    model: str | None = None
    labels: Mapping[str, str] = field(factory=dict)
    """A deployment has all of these, and may have more."""

    def matches(self, deployment: Deployment) -> bool:
        """Tell whether ``deployment`` is one of them, for a tool that cannot search by itself."""
        return (
            self.name in (None, deployment.name)
            and self.state in (None, deployment.state)
            and self.model in (None, deployment.model)
            and self.labels.items() <= deployment.labels.items()
        )
