"""A storage with the base image, and the step operator on it."""

from collections.abc import Iterator

import pytest

from plugbay_podman.step_operator import PodmanStepOperator
from servers.containers import Containers, containers


@pytest.fixture(scope="session")
def storage() -> Iterator[Containers]:
    with containers(podman=True) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture
def operator(storage: Containers) -> PodmanStepOperator:
    return PodmanStepOperator(network="host", runtime="runc", grace=2, **storage.storage)
