"""The flavors do what every flavor of their types does."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugbay.testing.artifact_store import ArtifactStoreContract
from plugbay.testing.container_registry import ContainerRegistryContract
from plugbay.testing.model_registry import ModelRegistryContract
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.container_registry import LayoutContainerRegistry
from plugbay_local.model_registry import StoreModelRegistry


class TestLocalArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> LocalArtifactStore:
        return LocalArtifactStore(path=tmp_path / "directory" / "store")


class TestModelRegistryInADirectory(ModelRegistryContract):
    lacking = {"load": "it keeps files, and has no loader of its own"}

    @pytest.fixture
    def component(self, tmp_path: Path) -> StoreModelRegistry:
        return StoreModelRegistry(path=tmp_path / "directory" / "registry")


class TestModelRegistryInAStoreOfFiles(ModelRegistryContract):
    lacking = {"load": "it keeps files, and has no loader of its own"}

    @pytest.fixture
    def around(self, tmp_path: Path) -> LocalArtifactStore:
        return LocalArtifactStore(path=tmp_path / "store")

    @pytest.fixture
    def component(self) -> StoreModelRegistry:
        return StoreModelRegistry()


class TestModelRegistryInAStoreWithoutFiles(ModelRegistryContract):
    lacking = {
        "load": "it keeps files, and has no loader of its own",
        "uri": "the objects of the artifact store around it have no address",
    }

    @pytest.fixture
    def component(self) -> StoreModelRegistry:
        return StoreModelRegistry()


class TestLayoutContainerRegistry(ContainerRegistryContract):
    lacking = {"login": "a directory has no server"}

    @pytest.fixture
    def component(self, tmp_path: Path) -> LayoutContainerRegistry:
        return LayoutContainerRegistry(path=tmp_path / "directory" / "images")
