from collections.abc import Iterator
from pathlib import Path

import pytest

from plugbay.serializers.choice import Serializers
from plugbay.stack import Stack
from plugbay.store.artifacts import Artifacts
from plugbay_local.artifact_store import LocalArtifactStore
from plugbay_local.orchestrator import LocalOrchestrator


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=LocalArtifactStore(path=tmp_path / "store"))


@pytest.fixture
def artifacts(stack: Stack) -> Iterator[Artifacts]:
    artifacts = Artifacts(stack.artifact_store, Serializers(allow_pickle=True))
    yield artifacts
    artifacts.close()
