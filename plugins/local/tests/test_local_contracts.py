"""The flavors do what every flavor of their types does."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugbay.testing.artifact_store import ArtifactStoreContract
from plugbay_local.artifact_store import LocalArtifactStore


class TestLocalArtifactStore(ArtifactStoreContract):
    @pytest.fixture
    def component(self, tmp_path: Path) -> LocalArtifactStore:
        return LocalArtifactStore(path=tmp_path / "directory" / "store")
