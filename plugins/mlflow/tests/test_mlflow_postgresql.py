"""The tracker and the registry at a server that keeps its data in PostgreSQL, which is stricter than SQLite."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from servers import postgresql
from servers.mlflow_server import running

sys.path.insert(0, str(Path(__file__).parent))

import test_mlflow_contracts as sqlite


@pytest.fixture(scope="module")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("mlflow-postgresql")
    with postgresql.running() as database, running(directory, database=database) as uri:
        yield uri


class TestTrackerOnPostgresql(sqlite.TestTracker):
    pass


class TestRegistryOnPostgresql(sqlite.TestRegistry):
    pass
