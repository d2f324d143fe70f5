"""What is said when something is wrong: which bucket, which endpoint, and never a key."""

from __future__ import annotations

import pickle
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import pytest
from front import Fate, front

from plugbay import Stack
from plugbay.errors import StoreError
from plugbay.testing.waiting import stretched
from plugbay_hookspecs import Secret
from plugbay_hookspecs.types import StackInfo
from plugbay_local.orchestrator import LocalOrchestrator
from plugbay_objectstore.azure import AzureArtifactStore
from plugbay_objectstore.gcs import GCSArtifactStore
from plugbay_objectstore.s3 import S3ArtifactStore
from servers.ceph import SECRET_KEY
from servers.ports import free_port

WRONG = "a-wrong-secret-key"


def errors_of(component: Any) -> list[str]:
    """What every operation says, as a user would see it."""
    store = Stack(orchestrator=LocalOrchestrator(), artifact_store=component).artifact_store
    operations = (
        lambda: store.put("a", b"x"),
        lambda: store.put("a", b"x", if_absent=True),
        lambda: store.get("a"),
        lambda: store.open("a", offset=1).read(),
        lambda: list(store.list("")),
    )
    said = []
    for operation in operations:
        with pytest.raises(StoreError) as caught:
            operation()
        assert caught.value.__cause__ is not None
        assert caught.value.__cause__.__cause__ is None, "the library's own error quotes requests"
        said.append(str(caught.value))
    health = component.component_health()
    assert not health.ok
    return [*said, health.detail]


def test_wrong_credentials_are_named_without_them(s3_settings: dict[str, Any]) -> None:
    s3_settings["secret_access_key"] = Secret(WRONG)
    for said in errors_of(S3ArtifactStore(**s3_settings)):
        assert "credentials were refused (403 SignatureDoesNotMatch)" in said
        assert s3_settings["endpoint"] in said
        assert "'plugbay-tests'" in said
        assert WRONG not in said


def test_a_bucket_that_is_not_there_is_named(s3_settings: dict[str, Any], azure_store: AzureArtifactStore) -> None:
    s3_settings["bucket"] = "no-such-bucket"
    for said in errors_of(S3ArtifactStore(**s3_settings)):
        assert f"there is no bucket 'no-such-bucket' at {s3_settings['endpoint']}" in said
    azure_store.container = "no-such-container"
    for said in errors_of(azure_store):
        assert "there is no container 'no-such-container' at http://127.0.0.1" in said


def test_an_endpoint_that_does_not_answer_is_named(s3_settings: dict[str, Any]) -> None:
    s3_settings |= {"endpoint": f"http://127.0.0.1:{free_port()}", "retry_timeout": 0.3}
    for said in errors_of(S3ArtifactStore(**s3_settings)):
        assert "cannot be reached" in said
        assert s3_settings["endpoint"] in said


def test_a_server_that_is_silent_is_given_up(s3_settings: dict[str, Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        store = S3ArtifactStore(**{**s3_settings, "endpoint": endpoint, "timeout": 0.3, "retry_timeout": 0.5})
        began = time.monotonic()
        assert len(errors_of(store)) == 6
        assert time.monotonic() - began < stretched(20)


def test_a_signed_address_is_not_shown(azurite_server: str) -> None:
    store = AzureArtifactStore(
        account="devstoreaccount1", container="c", endpoint=azurite_server, sas_token=Secret("sv=2021&sig=c2lnbmF0dXJl")
    )
    for said in errors_of(store):
        assert "c2lnbmF0dXJl" not in said


@contextmanager
def failing_front(endpoint: str, failures: int) -> Iterator[str]:
    """A proxy that passes the first requests of each kind on and answers 503 to them nevertheless."""
    left = {"PUT": failures, "GET": failures}

    def fate_of(method: str, headers: Mapping[str, str]) -> Fate:
        left[method] = left.get(method, 0) - 1
        return "refused" if left[method] >= 0 else "passed"

    with front(endpoint, fate_of) as found:
        yield found


def test_what_was_written_although_the_server_said_no_counts_as_written(s3_settings: dict[str, Any]) -> None:
    with failing_front(s3_settings["endpoint"], 2) as front:
        store = S3ArtifactStore(**{**s3_settings, "endpoint": front})
        assert store.artifact_store_put(key="a", source=b"mine", if_absent=True) is True
        assert store.artifact_store_get(key="a") == b"mine"
        assert store.artifact_store_put(key="a", source=b"other", if_absent=True) is False


@pytest.mark.parametrize("lost", ["request lost", "answer lost"])
def test_a_request_to_delete_many_whose_connection_broke_is_sent_again(
    azure_store: AzureArtifactStore, azurite_server: str, lost: Fate
) -> None:
    fates = iter([lost, lost])

    def fate_of(method: str, headers: Mapping[str, str]) -> Fate:
        return next(fates, "passed") if method == "POST" else "passed"

    keys = ["a", "b", "c"]
    for key in keys:
        azure_store.artifact_store_put(key=key, source=b"x", if_absent=False)
    with front(azurite_server, fate_of) as endpoint:
        through = f"{endpoint}{urlsplit(azurite_server).path}"
        attrs.evolve(azure_store, endpoint=through).artifact_store_delete(keys=keys)
    assert next(fates, None) is None
    assert list(azure_store.artifact_store_list(prefix="", after=None, recursive=True)) == []


def test_of_many_threads_one_writes(s3_store: S3ArtifactStore) -> None:
    with ThreadPoolExecutor(16) as threads:
        wrote = list(
            threads.map(lambda n: s3_store.artifact_store_put(key="a", source=b"%d" % n, if_absent=True), range(64))
        )
    assert wrote.count(True) == 1
    assert s3_store.artifact_store_get(key="a") == b"%d" % wrote.index(True)


def test_a_large_file_that_is_there_is_left_alone_and_made_young(s3_store: S3ArtifactStore, tmp_path: Path) -> None:
    source = tmp_path / "large"
    source.write_bytes(bytes(20 << 20))
    assert s3_store.artifact_store_put(key="a/b", source=source, if_absent=True) is True
    before = s3_store.artifact_store_stat(key="a/b")
    time.sleep(1.1)
    source.write_bytes(b"1" * (17 << 20))
    assert s3_store.artifact_store_put(key="a/b", source=source, if_absent=True) is False
    after = s3_store.artifact_store_stat(key="a/b")
    assert before is not None and after is not None
    assert (after.size, after.modified > before.modified) == (20 << 20, True)
    assert [found.key for found in s3_store.artifact_store_list(prefix="", after=None, recursive=True)] == ["a/b"]


@pytest.mark.parametrize(
    ("component", "problem"),
    [
        (S3ArtifactStore(bucket="a/b"), "'a/b' names no bucket"),
        (S3ArtifactStore(bucket="b", prefix="/x"), "prefix = '/x' has an empty part"),
        (S3ArtifactStore(bucket="b", endpoint="host:9000"), "endpoint = 'host:9000' is no URL"),
        (S3ArtifactStore(bucket="b", access_key_id=Secret("x")), "access_key_id is set without secret_access_key"),
        (S3ArtifactStore(bucket="b", retry_timeout=-1), "retry_timeout = -1 is negative"),
        (
            AzureArtifactStore(account="a", container="b", account_key=Secret("x"), sas_token=Secret("y")),
            "account_key and sas_token are set",
        ),
        (
            GCSArtifactStore(bucket="b", service_account_key=Secret("x"), service_account_file=Path("y")),
            "service_account_key and service_account_file are both set",
        ),
    ],
)
def test_settings_are_checked_without_a_server(component: Any, problem: str) -> None:
    (found,) = component.component_validate(stack=StackInfo(name="s", components=()))
    assert found.message.startswith(problem)


def test_an_address_is_what_other_tools_take() -> None:
    assert S3ArtifactStore(bucket="b", prefix="p").artifact_store_url(key="a b/ü") == "s3://b/p/a%20b/%C3%BC"
    assert GCSArtifactStore(bucket="b").artifact_store_url(key="a") == "gs://b/a"
    address = AzureArtifactStore(account="a", container="c").artifact_store_url(key="k")
    assert address == "https://a.blob.core.windows.net/c/k"


def test_a_component_reaches_another_process_without_its_connection() -> None:
    component = S3ArtifactStore(bucket="b")
    copied = pickle.loads(pickle.dumps(component))
    assert copied.bucket == "b"
    assert SECRET_KEY not in repr(copied)


def test_describing_the_flavors_does_not_import_the_client() -> None:
    code = (
        "import sys, plugbay_objectstore.s3 as s, plugbay_objectstore.gcs, plugbay_objectstore.azure\n"
        "s.S3ArtifactStore(bucket='b').component_describe()\n"
        "assert 'obstore' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
