"""One MLflow server for all tests of a session; those that end theirs start their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers.mlflow_server import running

# MLflow's own, not of anything that a test calls
MLFLOW_WARNINGS = ["ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning:mlflow", "ignore::ResourceWarning"]


@pytest.fixture(autouse=True)
def no_telemetry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="session")
def mlflow_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("mlflow")) as uri:
        yield uri
