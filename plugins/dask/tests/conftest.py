"""One cluster for the session, others for tests that kill workers, and a project to run on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_project import Project
from servers.dask_cluster import DaskCluster


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
    source = Path(__file__).parent / "project"
    return lambda address, **settings: Project(tmp_path, source, flavor="dask", address=address, **settings)
