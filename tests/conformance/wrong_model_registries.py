"""Model registries that are right but for one thing; ``test_wrong_model_registries`` runs them through the contract."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

import pytest

from plugbay.testing.model_registry import ModelRegistryContract
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ModelOrigin, ModelVersion, RegisteredModel
from plugbay_local.model_registry import StoreModelRegistry


@component
class Replacing(StoreModelRegistry):
    """Replaces all metadata where it should change some."""

    @hookimpl
    def model_registry_update(
        self, name: str, description: str | None, metadata: Mapping[str, str | None]
    ) -> RegisteredModel:
        before = self.model_registry_get(name)
        removed = dict.fromkeys(before.metadata) if before is not None else {}
        return super().model_registry_update(name, description, {**removed, **metadata})


@component
class Referring(StoreModelRegistry):
    """Shares the bytes of the model with its source, and sorts versions by the text of their numbers."""

    @hookimpl
    def model_registry_create_version(
        self, name: str, source: Path, description: str, metadata: Mapping[str, str], origin: ModelOrigin | None
    ) -> ModelVersion:
        version = super().model_registry_create_version(name, source, description, metadata, origin)
        kept = Path(unquote(version.source.removeprefix("file://")))
        if source.is_file():
            kept.unlink()
            kept.hardlink_to(source)
        return version

    @hookimpl
    def model_registry_list_versions(self, name: str, stage: str | None, order: str) -> Sequence[ModelVersion]:
        found = super().model_registry_list_versions(name, stage, order)
        return sorted(found, key=lambda each: each.version, reverse=order == "newest")


@component
class Unsteady(StoreModelRegistry):
    """Takes an alias from one version before it gives it to the next."""

    @hookimpl
    def model_registry_set_alias(self, name: str, alias: str, version: str | None) -> None:
        super().model_registry_set_alias(name, alias, None)
        time.sleep(0.03)
        super().model_registry_set_alias(name, alias, version)


@component
class Obliging(StoreModelRegistry):
    """Lets everybody register a name that is taken."""

    @hookimpl
    def model_registry_register(self, name: str, description: str, metadata: Mapping[str, str]) -> RegisteredModel:
        try:
            return super().model_registry_register(name, description, metadata)
        except FileExistsError:
            return self.model_registry_update(name, description, metadata)


class _Contract(ModelRegistryContract):
    lacking = {"load": "it keeps files"}
    flavor: type[StoreModelRegistry]

    @pytest.fixture
    def component(self, tmp_path: Path) -> StoreModelRegistry:
        return self.flavor(path=tmp_path / "registry")


class TestReplacing(_Contract):
    flavor = Replacing


class TestReferring(_Contract):
    flavor = Referring


class TestUnsteady(_Contract):
    flavor = Unsteady


class TestObliging(_Contract):
    flavor = Obliging
