"""MLflow's tracking server, from the environment of the tests."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.lacking import lacking
from servers.ports import free_port
from servers.service import Service, answers


def mlflow_server(
    directory: Path, *, database: str | None = None, auth: bool = False, port: int | None = None
) -> Service:
    """A server that keeps runs in *database* (SQLite in *directory* without one) and files in *directory*, not started."""
    if importlib.util.find_spec("mlflow.server") is None:
        lacking("the MLflow server is not installed")
    directory.mkdir(parents=True, exist_ok=True)
    port = port or free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", database or f"sqlite:///{directory / 'mlflow.db'}"]
    command += ["--serve-artifacts", "--artifacts-destination", str(directory / "files")]
    environment = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    if auth:
        settings = directory / "auth.ini"
        settings.write_text(
            "[mlflow]\ndefault_permission = READ\nadmin_username = admin\nadmin_password = of-a-test-4711\n"
            f"database_uri = sqlite:///{directory / 'users.db'}\n"
            "authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n"
        )
        command += ["--app-name", "basic-auth"]
        environment |= {"MLFLOW_AUTH_CONFIG_PATH": str(settings), "MLFLOW_FLASK_SERVER_SECRET_KEY": "of a test"}
    service = Service(
        command,
        log=directory / "server.log",
        # the first request that needs the database makes it, which takes seconds
        ready=lambda: answers(f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/get?experiment_id=0"),
        environment=environment,
        directory=directory,
        timeout=180,
    )
    service.url = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
    return service


@contextmanager
def running(directory: Path, *, database: str | None = None, auth: bool = False) -> Iterator[str]:
    """Run a server while the context lasts; give its address."""
    with mlflow_server(directory, database=database, auth=auth) as service:
        yield service.url  # type: ignore[attr-defined]
