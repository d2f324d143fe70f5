"""The flavors do what every artifact store does, against real servers."""

from __future__ import annotations

import pytest

from plugbay.testing.artifact_store import ArtifactStoreContract
from plugbay_objectstore.azure import AzureArtifactStore
from plugbay_objectstore.gcs import GCSArtifactStore
from plugbay_objectstore.s3 import S3ArtifactStore

LACKING = {"local_path": "the objects lie on a server", "scratch": "what is uploaded is copied in any case"}


class TestS3ArtifactStoreOnCeph(ArtifactStoreContract):
    lacking = LACKING
    clock_step = 1.1

    @pytest.fixture
    def component(self, s3_store: S3ArtifactStore) -> S3ArtifactStore:
        return s3_store


class TestAzureArtifactStoreOnAzurite(ArtifactStoreContract):
    lacking = LACKING
    clock_step = 1.1

    @pytest.fixture
    def component(self, azure_store: AzureArtifactStore) -> AzureArtifactStore:
        return azure_store


class TestGCSArtifactStoreOnItsStandIn(ArtifactStoreContract):
    """Not Google's service: see ``servers.google_front``."""

    lacking = LACKING
    clock_step = 1.1

    @pytest.fixture
    def component(self, gcs_store: GCSArtifactStore) -> GCSArtifactStore:
        return gcs_store
