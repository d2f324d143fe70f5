"""Make the modules beside the tests importable, here and in worker processes, and hand out a store."""

import sys
from pathlib import Path

import pytest

from plugbay_local.artifact_store import LocalArtifactStore

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def store(tmp_path: Path) -> LocalArtifactStore:
    return LocalArtifactStore(path=tmp_path / "store")
