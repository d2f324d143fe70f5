"""Garbage that is collected in the very moment in which a step meets it and needs it."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Any

from attrs import field

from plugbay import Stack, pipeline, step
from plugbay.history.garbage import collect
from plugbay.testing.waiting import stretched
from plugbay_hookspecs import component, hookimpl
from plugbay_local.orchestrator import LocalOrchestrator
from plugbay_objectstore.s3 import S3ArtifactStore

CONTENT = b"wanted" * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEY = f"blobs/{DIGEST[:2]}/{DIGEST}"


@step(cache=False)
def make() -> bytes:
    return CONTENT


@pipeline
def wanting() -> None:
    make()


@component
class HesitantStore(S3ArtifactStore):
    """Deletes the blob only when a step has seen that it will."""

    deleting: threading.Event = field(factory=threading.Event, init=False, repr=False)
    seen: threading.Event = field(factory=threading.Event, init=False, repr=False)

    @hookimpl
    def artifact_store_get(self, key: str) -> bytes:
        if key.startswith("sweeps/"):
            self.seen.set()
        return super().artifact_store_get(key)

    @hookimpl
    def artifact_store_delete(self, keys: Sequence[str]) -> None:
        if KEY in keys:
            self.deleting.set()
            assert self.seen.wait(stretched(60))
        super().artifact_store_delete(keys)


def test_a_step_keeps_a_blob_that_it_met_between_the_look_and_the_deletion(s3_settings: dict[str, Any]) -> None:
    store = HesitantStore(**s3_settings)
    store.artifact_store_put(key=KEY, source=CONTENT, if_absent=True)
    time.sleep(1.1)  # times of objects are whole seconds
    stack = Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=store)
    with stack:
        collecting = threading.Thread(target=lambda: collect(stack, grace=0))
        collecting.start()
        assert store.deleting.wait(stretched(60))
        run = wanting.run(stack=stack)
        collecting.join()
        assert run["make"].output.load() == CONTENT
        assert store.artifact_store_get(key=KEY) == CONTENT
