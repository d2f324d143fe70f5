"""How many requests a run takes, each of which is a journey to the service."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from plugbay import Stack, pipeline, step
from plugbay_local.orchestrator import LocalOrchestrator
from plugbay_objectstore.s3 import S3ArtifactStore

RUN = Counter(put=2, delete=1, stat=2)
"""The plan, the end; what is left of the driver. And before the end: is there a later driver, is the run still there."""
COMPUTED = Counter(list=1)
"""Where a step was executed: whether its record, like all others of the run, is still there."""
STEP = Counter(get=1, put=2)
"""Is it cached; the record, the cache entry."""
OUTPUTS = Counter(list=1)
"""Whether a collection has designs on them: once for each attempt with outputs outside its record."""


@step
def count(number: int = 0) -> int:
    return number + 1


@step
def blob() -> bytes:
    return b"large" * 20_000


@step
def length(content: bytes) -> int:
    return len(content)


@step
def folder() -> Path:
    directory = Path(tempfile.mkdtemp())
    for index in range(100):
        (directory / f"{index}.bin").write_bytes(bytes([index]) * 20_000)
    return directory


@pipeline
def chain(steps: int) -> None:
    number = count()
    for _ in range(steps - 1):
        number = count(number)


@pipeline
def pair() -> None:
    length(blob())


@pipeline
def tree() -> None:
    folder()


@pytest.fixture
def requests(s3_store: S3ArtifactStore) -> Callable[[Callable[[Stack], object]], Counter[str]]:
    """Count the calls of the hooks that ask the service."""
    stack = Stack(orchestrator=LocalOrchestrator(workers=1), artifact_store=s3_store)
    counted: Counter[str] = Counter()

    class Counting:
        def __init__(self, hook: str, call: Callable[..., object]) -> None:
            self.hook, self.call = hook, call

        def __call__(self, **arguments: object) -> object:
            counted[self.hook.removeprefix("artifact_store_")] += 1
            return self.call(**arguments)

    callers = stack.artifact_store._callers
    for hook, call in callers.items():
        if hook not in ("artifact_store_local_path", "artifact_store_url", "artifact_store_scratch"):
            callers[hook] = Counting(hook, call)

    def of(run: Callable[[Stack], object]) -> Counter[str]:
        counted.clear()
        run(stack)
        return +counted

    return of


def test_a_small_step_takes_three_requests_and_a_cached_one_takes_one(
    requests: Callable[[Callable[[Stack], object]], Counter[str]],
) -> None:
    one = requests(lambda stack: chain.run(steps=1, stack=stack))
    assert one == RUN + COMPUTED + STEP
    eleven = requests(lambda stack: chain.run(steps=11, stack=stack))
    assert eleven - one == Counter({name: 9 * times for name, times in STEP.items()} | {"get": 10})
    again = requests(lambda stack: chain.run(steps=11, stack=stack))
    assert again == RUN + Counter(get=11)


def test_an_artifact_takes_one_request_to_write_and_one_to_read(
    requests: Callable[[Callable[[Stack], object]], Counter[str]],
) -> None:
    taken = requests(lambda stack: pair.run(stack=stack))
    assert taken == RUN + COMPUTED + STEP + STEP + OUTPUTS + Counter(put=1, open=1)


def test_each_file_of_a_directory_takes_one_request(
    requests: Callable[[Callable[[Stack], object]], Counter[str]],
) -> None:
    taken = requests(lambda stack: tree.run(stack=stack))
    assert taken == RUN + COMPUTED + STEP + OUTPUTS + Counter(put=100)
