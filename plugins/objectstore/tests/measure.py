"""Measure the S3 store against its client library alone, and count the requests of a step, on a Ceph of its own.

``PYTHONPATH=tests/systems python plugins/objectstore/tests/measure.py``; the numbers go into
``docs/plugins/objectstore.md``.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from conftest import BUCKET, create_bucket
from plugbay import Stack, pipeline, step
from plugbay_hookspecs import Secret
from plugbay_local.orchestrator import LocalOrchestrator
from plugbay_objectstore.s3 import S3ArtifactStore
from servers.ceph import ACCESS_KEY, SECRET_KEY, ceph

SIZE = 256 << 20
ROUNDS = 5


@step
def count(number: int = 0) -> int:
    return number + 1


@step
def blob(number: int) -> bytes:
    return bytes([number % 256]) * 100_000 + os.urandom(8)


@step
def length(content: bytes) -> int:
    return len(content)


@step
def folder(number: int) -> Path:
    directory = Path(tempfile.mkdtemp())
    for index in range(100):
        (directory / f"{index}.bin").write_bytes(os.urandom(20_000))
    return directory


@pipeline
def chain(steps: int = 10, salt: int = 0):
    number = count(salt)
    for _ in range(steps - 1):
        number = count(number)


@pipeline
def pair(salt: int = 0):
    length(blob(salt))


@pipeline
def tree(salt: int = 0):
    folder(salt)


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        os.environ["PLUGBAY_HOME"] = str(root / "home")
        with ceph(root / "ceph") as running:
            create_bucket(running.endpoint)
            store = S3ArtifactStore(
                bucket=BUCKET,
                endpoint=running.endpoint,
                access_key_id=Secret(ACCESS_KEY),
                secret_access_key=Secret(SECRET_KEY),
            )
            requests(store)
            throughput(store, root)


def throughput(store: S3ArtifactStore, root: Path) -> None:
    import obstore

    source, target = root / "source", root / "target"
    source.write_bytes(os.urandom(SIZE))
    client = store._writer().store

    def read_with_library() -> None:
        with target.open("wb") as file:
            for chunk in obstore.get(client, "library").stream(min_chunk_size=1 << 20):
                file.write(chunk)

    def read_with_store() -> None:
        with target.open("wb") as file, store.artifact_store_open(key="ours", offset=0, length=None) as stored:
            while chunk := stored.read(1 << 20):
                file.write(chunk)

    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "put": (
            lambda: store.artifact_store_put(key="ours", source=source, if_absent=False),
            lambda: obstore.put(client, "library", source),
        ),
        "get": (read_with_store, read_with_library),
    }
    for what, (ours, theirs) in pairs.items():
        times: tuple[list[float], list[float]] = ([], [])
        peak = Peak()
        for _ in range(ROUNDS):
            times[0].append(timed(ours))
            times[1].append(timed(theirs))
        with peak:
            ours()
        mine, library = map(statistics.median, times)
        print(
            f"{what} of {SIZE >> 20} MB: {mine:.2f} s, library alone {library:.2f} s, ratio {mine / library:.2f}, "
            f"memory grows by {peak.grown >> 20} MB at most"
        )


class Peak:
    """How much the process grew while it was watched."""

    grown = 0

    def __enter__(self) -> None:
        self._over = threading.Event()
        self._before = resident()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(0.005):
            self.grown = max(self.grown, resident() - self._before)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def requests(store: S3ArtifactStore) -> None:
    """Print how often each hook is called, by runs of different length."""
    counted: Counter[str] = Counter()

    class Counting:
        def __init__(self, hook: str, call: Callable[..., object]) -> None:
            self.hook, self.call = hook, call

        def __call__(self, **arguments: object) -> object:
            counted[self.hook.removeprefix("artifact_store_")] += 1
            return self.call(**arguments)

    stack = Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=store)
    callers = stack.artifact_store._callers
    for hook, call in list(callers.items()):
        if hook not in ("artifact_store_local_path", "artifact_store_url", "artifact_store_scratch"):
            callers[hook] = Counting(hook, call)
    for what, run in (
        ("1 step", lambda: chain.run(steps=1, salt=1000, stack=stack)),
        ("11 steps", lambda: chain.run(steps=11, salt=2000, stack=stack)),
        ("11 steps again, cached", lambda: chain.run(steps=11, salt=2000, stack=stack)),
        ("100 kB from step to step", lambda: pair.run(salt=1, stack=stack)),
        ("a directory of 100 files", lambda: tree.run(salt=1, stack=stack)),
    ):
        counted.clear()
        seconds = timed(run)
        print(f"{what}: {counted.total()} requests ({dict(counted)}), {seconds:.3f} s")


if __name__ == "__main__":
    main()
