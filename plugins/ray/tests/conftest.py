"""One cluster of two nodes for the session, in a network of its own in which each test is run, and the modules beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.namespace import Namespace
from servers.ray_cluster import ENVIRONMENT, RayCluster

sys.path.insert(0, str(Path(__file__).parent))

from engine_project import Project


@pytest.fixture(scope="session")
def network() -> Iterator[Namespace]:
    network = Namespace()
    yield network
    network.close()


@pytest.fixture(autouse=True)
def in_the_network(network: Namespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with network.inside():
        yield


@pytest.fixture(scope="session")
def cluster(network: Namespace) -> Iterator[RayCluster]:
    with network.inside():
        cluster = RayCluster("--num-cpus=1")
        cluster.__enter__()
        cluster.add_node()
    yield cluster
    cluster.__exit__(None, None, None)


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    source = Path(__file__).parent / "project"
    return lambda address, **settings: Project(tmp_path, source, flavor="ray", address=address, **settings)
