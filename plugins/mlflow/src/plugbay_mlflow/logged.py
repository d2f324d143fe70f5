"""The logged models of MLflow 3: what `log_model` makes. Their files lie outside the artifacts of the run that made them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from plugbay_mlflow import files
from plugbay_mlflow.server import Server

_logged_id = re.compile(r"models:/+(m-[0-9a-f]{32})/*").fullmatch


def logged_model(uri: str, server: Server) -> Mapping[str, Any] | None:
    """What the server tells of the logged model at ``models:/m-ID`` or ``runs:/RUN/NAME``; ``None`` for another URI.

    Raises ``KeyError`` where the server has no such logged model, or no such run.
    """
    if found := _logged_id(uri):
        return _info(server.get(f"logged-models/{found[1]}")["model"])
    if urlsplit(uri).scheme != "runs":
        return None
    run, name = run_and_name(uri)
    experiment = server.get("runs/get", run_id=run)["run"]["info"]["experiment_id"]
    of_run = f"source_run_id = '{run}'"
    try:
        made = server.pages("logged-models/search", "models", post=True, experiment_ids=[experiment], filter=of_run)
        named = [model for each in made if (model := _info(each)).get("name") == name]
    except (KeyError, ValueError):  # a server of MLflow 2 has none
        return None
    return max(named, key=lambda model: int(model.get("creation_timestamp_ms", 0)), default=None)


def run_and_name(uri: str) -> tuple[str, str]:
    """The run and the path of a URI ``runs:/RUN/PATH``."""
    run, _, name = urlsplit(uri).path.strip("/").partition("/")
    return run, name


def files_of_run(uri: str, server: Server) -> str:
    """Where the files at ``runs:/RUN/PATH`` lie. Raises ``KeyError`` without such a run, ``FileNotFoundError`` without files."""
    run, name = run_and_name(uri)
    root = server.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"]
    place = f"{root}/{name}"
    if not files.exists(server, place):
        msg = f"there are no files at {place}, and the run has no logged model {name!r}"
        raise FileNotFoundError(msg)
    return place


def _info(model: Mapping[str, Any]) -> Mapping[str, Any]:
    info: Mapping[str, Any] = model["info"]
    return info
