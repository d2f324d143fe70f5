"""The servers, each started once a session, and a fresh place in them for each test."""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugbay_hookspecs import Secret
from plugbay_objectstore.azure import AzureArtifactStore
from plugbay_objectstore.gcs import GCSArtifactStore
from plugbay_objectstore.s3 import S3ArtifactStore
from servers.azurite import ACCOUNT, KEY, azurite, create_container
from servers.ceph import ACCESS_KEY, SECRET_KEY, Ceph, ceph, create_bucket
from servers.google_front import google_front

sys.path.insert(0, str(Path(__file__).parent))

BUCKET = "plugbay-tests"


@pytest.fixture(scope="session")
def ceph_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    with ceph(tmp_path_factory.mktemp("ceph")) as running:
        create_bucket(running.endpoint, BUCKET)
        yield running


@pytest.fixture
def s3_settings(ceph_server: Ceph) -> dict[str, Any]:
    """Settings for a place of its own."""
    return {
        "bucket": BUCKET,
        "prefix": uuid.uuid4().hex,
        "endpoint": ceph_server.endpoint,
        "access_key_id": Secret(ACCESS_KEY),
        "secret_access_key": Secret(SECRET_KEY),
    }


@pytest.fixture
def s3_store(s3_settings: dict[str, Any]) -> S3ArtifactStore:
    return S3ArtifactStore(**s3_settings)


@pytest.fixture(scope="session")
def azurite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with azurite(tmp_path_factory.mktemp("azurite")) as endpoint:
        create_container(endpoint, BUCKET)
        yield endpoint


@pytest.fixture
def azure_store(azurite_server: str) -> AzureArtifactStore:
    prefix = uuid.uuid4().hex
    return AzureArtifactStore(
        account=ACCOUNT, account_key=Secret(KEY), container=BUCKET, endpoint=azurite_server, prefix=prefix
    )


@pytest.fixture(scope="session")
def google_server(ceph_server: Ceph) -> Iterator[str]:
    with google_front(ceph_server.endpoint, ACCESS_KEY, SECRET_KEY) as endpoint:
        yield endpoint


@pytest.fixture
def gcs_store(google_server: str) -> GCSArtifactStore:
    key = {
        "gcs_base_url": google_server,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    account = Secret(json.dumps(key))
    return GCSArtifactStore(bucket=BUCKET, prefix=uuid.uuid4().hex, endpoint=google_server, service_account_key=account)
