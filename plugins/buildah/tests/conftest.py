"""A storage with the base image, and the image builder on it."""

from collections.abc import Iterator

import pytest

from plugbay_buildah.builder import BuildahImageBuilder
from servers.containers import BASE, Containers, containers


@pytest.fixture(scope="session")
def storage() -> Iterator[Containers]:
    with containers(podman=True) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made


@pytest.fixture
def builder(storage: Containers) -> BuildahImageBuilder:
    return BuildahImageBuilder(base=BASE, network="host", isolation="oci", runtime="runc", **storage.storage)
