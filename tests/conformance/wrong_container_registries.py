"""Container registries that are right but for one thing; ``test_wrong_container_registries`` runs the contract."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from plugbay.testing.container_registry import ContainerRegistryContract
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import Image
from plugbay_local.container_registry import LayoutContainerRegistry
from plugbay_local.images.content import REFERENCE_NAME
from plugbay_local.images.layout import Layout


@component
class Trusting(LayoutContainerRegistry):
    """Takes an archive as the image that it is said to be."""

    @hookimpl
    def container_registry_push(self, image: Image, reference: str) -> str:
        try:
            return super().container_registry_push(image, reference)
        except ValueError:
            _, name, _ = self._parts(reference)
            entries = Layout(self._root).entries()
            listed = {**entries, name: {"digest": image.digest, "annotations": {REFERENCE_NAME: name}}}
            self._root.mkdir(parents=True, exist_ok=True)
            (self._root / "index.json").write_text(json.dumps({"manifests": list(listed.values())}))
            return image.digest


@component
class Forgetful(LayoutContainerRegistry):
    """Loses an image when its tag is pushed again."""

    @hookimpl
    def container_registry_push(self, image: Image, reference: str) -> str:
        before = self.container_registry_resolve(reference)
        if before not in (None, image.digest):
            self.container_registry_delete(f"{reference.rpartition(':')[0]}@{before}")
            time.sleep(0.03)
        return super().container_registry_push(image, reference)


@component
class Prefixed(LayoutContainerRegistry):
    """Lists the tags of repositories whose names begin alike, and deletes a tag with its image."""

    @hookimpl
    def container_registry_list(self, repository: str) -> Sequence[str]:
        others = super().container_registry_list(f"{repository}-2")
        return sorted([*super().container_registry_list(repository), *others])

    @hookimpl
    def container_registry_delete(self, reference: str) -> bool:
        digest = self.container_registry_resolve(reference)
        if digest is None:
            return False
        repository = reference.partition("@")[0] if "@" in reference else reference.rpartition(":")[0]
        return super().container_registry_delete(f"{repository}@{digest}")


class _Contract(ContainerRegistryContract):
    lacking = {"login": "a directory has no server"}
    flavor: type[LayoutContainerRegistry]

    @pytest.fixture
    def component(self, tmp_path: Path) -> LayoutContainerRegistry:
        return self.flavor(path=tmp_path / "images")


class TestTrusting(_Contract):
    flavor = Trusting


class TestForgetful(_Contract):
    flavor = Forgetful


class TestPrefixed(_Contract):
    flavor = Prefixed
