"""What a large artifact costs on its way into a bucket and out of it, beside the client library and what checks the bytes.

The cases are there when obstore is installed and ``BENCH_S3_ENDPOINT`` tells where a server is; ``BENCH_S3_BUCKET`` exists
(``bench`` without it), and the credentials are those that AWS's tools take: ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import floors
from benchmarks.case import Bench, Case, in_turns
from benchmarks.measuring import fresh
from plugbay import Stack
from plugbay.serializers.choice import Serializers
from plugbay.store.artifacts import Artifacts

_MEGABYTES = 256
_KEY = "by-hand"
_PART = 1 << 20


def cases(bench: Bench) -> Iterator[Case]:
    """Yield the cases."""
    if importlib.util.find_spec("plugbay_objectstore") is None or "BENCH_S3_ENDPOINT" not in os.environ:
        return
    name = f"{_MEGABYTES} MB array"
    yield Case(
        name=f"{name} into a bucket",
        floor="np.save, SHA-256, obstore.put",
        budget=1.2,
        pair=in_turns(partial(fresh, saved), partial(fresh, put_by_hand, str(bench.folder()))),
        rounds=bench.rounds(7),
    )
    yield Case(
        name=f"{name} out of a bucket",
        floor="obstore.get to a file, SHA-256, np.load",
        budget=1.2,
        pair=in_turns(partial(fresh, loaded), partial(fresh, got_by_hand, str(bench.folder()))),
        rounds=bench.rounds(7),
    )
    yield Case(
        name=f"{name} out of a bucket, unchecked floor",
        floor="obstore.get to a file, np.load",
        pair=in_turns(partial(fresh, loaded), partial(fresh, got_by_hand, str(bench.folder()), False)),
        rounds=bench.rounds(7),
    )


def saved() -> Callable[[], object]:
    """Prepare: an array is there, and saved as the output of a step is; the bucket is without the last one."""
    array, artifacts = floors.make_array(_MEGABYTES), _artifacts()
    return lambda: artifacts.save("array", array)


def loaded() -> Callable[[], object]:
    """Prepare: an artifact is there, and loaded as the input of a step is."""
    artifacts = _artifacts()
    artifact = artifacts.save("array", floors.make_array(_MEGABYTES))

    def load() -> None:
        with closing(artifacts):
            floors.read_array(artifacts.load(artifact))

    return load


def put_by_hand(directory: str) -> Callable[[], object]:
    """Prepare: an array is there, and saved to a file, which is hashed and sent."""
    import numpy as np
    import obstore

    array, client, file = floors.make_array(_MEGABYTES), _client(), Path(directory) / "array.npy"

    def put() -> None:
        np.save(file, array)
        with file.open("rb") as stored:
            hashlib.file_digest(stored, "sha256")
        obstore.put(client, _KEY, file)

    return put


def got_by_hand(directory: str, checked: bool = True) -> Callable[[], object]:
    """Prepare: an object is there, and streamed to a file, which is hashed and mapped."""
    import numpy as np
    import obstore

    put_by_hand(directory)()
    client, file = _client(), Path(directory) / "got.npy"

    def get() -> None:
        hashed = hashlib.sha256()
        with file.open("wb") as target:
            for chunk in obstore.get(client, _KEY).stream(min_chunk_size=_PART):
                target.write(chunk)
                if checked:
                    hashed.update(chunk)
        floors.read_array(np.load(file, mmap_mode="r"))

    return get


def _artifacts() -> Artifacts:
    from plugbay_local.orchestrator import LocalOrchestrator

    stack = Stack(orchestrator=LocalOrchestrator(), artifact_store=_store())
    stack.artifact_store.delete([entry.key for entry in stack.artifact_store.list("blobs/")])
    return Artifacts(stack.artifact_store, Serializers(allow_pickle=True))


def _client() -> Any:
    return _store()._writer().store


def _store() -> Any:
    from plugbay_objectstore.s3 import S3ArtifactStore

    bucket, endpoint = os.environ.get("BENCH_S3_BUCKET", "bench"), os.environ["BENCH_S3_ENDPOINT"]
    return S3ArtifactStore(bucket=bucket, prefix="plugbay-bench", endpoint=endpoint)
