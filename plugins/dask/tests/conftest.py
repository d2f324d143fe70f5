"""One cluster for the session, others for tests that kill workers, and the modules beside the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.dask_cluster import DaskCluster

sys.path.insert(0, str(Path(__file__).parent))

from dask_project import Project


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path_factory.mktemp("dask")) as cluster:
        for _ in range(2):
            cluster.add_worker()
        yield cluster


@pytest.fixture
def fresh_cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """One whose workers a test may kill."""
    directory = tmp_path / "dask"
    directory.mkdir()
    with DaskCluster(directory) as cluster:
        yield cluster


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Project]:
    return lambda address, **settings: Project(tmp_path, address=address, **settings)
