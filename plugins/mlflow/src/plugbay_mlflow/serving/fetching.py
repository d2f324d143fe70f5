"""From the URI of a model at an MLflow server to a directory of this machine that holds it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from plugbay_mlflow import files
from plugbay_mlflow.logged import files_of_run, logged_model
from plugbay_mlflow.models import latest_version
from plugbay_mlflow.server import Server


def fetched(uri: str, server: Server, target: Path) -> Path:
    """Copy a model to a new directory; give its path there. Raises ``ValueError`` where there is none."""
    try:
        source = _source(uri, server)
        target.mkdir()
        path = files.download(server, source, target)
    except (KeyError, FileNotFoundError) as error:
        msg = f"{uri}: there is no such model at {server.uri}: {error.args[0]}"
        raise ValueError(msg) from error
    if not (path / "MLmodel").is_file():
        msg = f"{uri}: what is there was not saved by MLflow: it has no file MLmodel"
        raise ValueError(msg)
    return path


def _source(uri: str, server: Server) -> str:
    """Where the files of a model lie."""
    logged = logged_model(uri, server)
    if logged is not None:
        return str(logged["artifact_uri"])
    parts = urlsplit(uri)
    if parts.scheme == "runs":
        return files_of_run(uri, server)
    if parts.scheme != "models":
        return uri
    first, _, version = parts.path.strip("/").partition("/")
    name, _, alias = first.partition("@")
    if alias:
        version = server.get("registered-models/alias", name=name, alias=alias)["model_version"]["version"]
    elif version == "latest":
        version = latest_version(name, server)
    return str(server.get("model-versions/get-download-uri", name=name, version=version)["artifact_uri"])
