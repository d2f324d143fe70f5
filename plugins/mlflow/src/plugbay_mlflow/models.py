"""How an MLflow server tells of registered models and their versions, and what Plugbay keeps in their tags.

MLflow deprecates stages and has no place for where a version comes from: both are tags whose names begin with `plugbay.`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from plugbay_hookspecs.types.model import ModelOrigin, ModelStage, ModelVersion, RegisteredModel
from plugbay_mlflow.server import Server

OURS = "plugbay."
STAGE, FILES = "plugbay.stage", "plugbay.files"
_RUN, _STEP, _DIGEST = "plugbay.run_id", "plugbay.step", "plugbay.digest"


def tags_of(metadata: Mapping[str, str], origin: ModelOrigin | None = None) -> list[dict[str, str]]:
    """The tags that keep metadata and an origin. Raises ``ValueError`` for names that are Plugbay's own."""
    ours = [name for name in metadata if name.startswith(OURS)]
    if ours:
        msg = f"metadata cannot be named {', '.join(ours)}: names that begin with {OURS!r} are Plugbay's own tags"
        raise ValueError(msg)
    tags = dict(metadata)
    if origin is not None:
        tags |= {_RUN: origin.run_id, _STEP: origin.step, _DIGEST: origin.digest}
    return [{"key": key, "value": value} for key, value in tags.items()]


def model_of(found: Mapping[str, Any]) -> RegisteredModel:
    """A model as the server tells it."""
    return RegisteredModel(
        name=found["name"],
        description=found.get("description", ""),
        metadata={key: value for key, value in _tags(found).items() if not key.startswith(OURS)},
        aliases={each["alias"]: str(each["version"]) for each in found.get("aliases", ())},
        created=_seconds(found.get("creation_timestamp")),
        updated=_seconds(found.get("last_updated_timestamp")),
    )


def version_of(found: Mapping[str, Any]) -> ModelVersion:
    """A version as the server tells it; a stage that MLflow's own interface set counts where Plugbay set none."""
    tags = _tags(found)
    stage = tags.get(STAGE) or str(found.get("current_stage", "None")).lower()
    origin = None
    if _RUN in tags:
        origin = ModelOrigin(run_id=tags[_RUN], step=tags.get(_STEP, ""), digest=tags.get(_DIGEST, ""))
    return ModelVersion(
        name=found["name"],
        version=str(found["version"]),
        source=found.get("source", ""),
        stage=stage if stage in get_args(ModelStage) else "none",  # type: ignore[arg-type]  # it is one
        description=found.get("description", ""),
        metadata={key: value for key, value in tags.items() if not key.startswith(OURS)},
        aliases=tuple(sorted(found.get("aliases", ()))),
        origin=origin,
        created=_seconds(found.get("creation_timestamp")),
        updated=_seconds(found.get("last_updated_timestamp")),
    )


def keeps_files(found: Mapping[str, Any]) -> bool:
    """Whether the files of a version were uploaded by Plugbay, for this version and no other."""
    return FILES in _tags(found)


def _tags(found: Mapping[str, Any]) -> dict[str, str]:
    return {tag["key"]: tag.get("value", "") for tag in found.get("tags", ())}


def _seconds(milliseconds: Any) -> float | None:
    return None if milliseconds is None else int(milliseconds) / 1000


def versions_of(name: str, server: Server) -> list[dict[str, Any]]:
    """All versions of a model, as the server tells them."""
    quote = '"' if "'" in name else "'"
    query: dict[str, Any] = {"filter": f"name = {quote}{name}{quote}", "max_results": 1000}
    found = server.pages("model-versions/search", "model_versions", **query)
    return [each for each in found if each["name"] == name]


def latest_version(name: str, server: Server) -> str:
    """The highest version of a model. Raises ``KeyError`` where it has none."""
    numbers = [int(each["version"]) for each in versions_of(name, server)]
    if not numbers:
        msg = f"model {name!r} has no version"
        raise KeyError(msg)
    return str(max(numbers))
