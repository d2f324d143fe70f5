"""The replica that holds a model and answers requests for it."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from plugbay_ray.serving.code import unpack


class Model:
    """A model that its predictor has loaded, or the place of one that is stopped."""

    _told: Mapping[str, Any] = {}

    def reconfigure(self, given: Mapping[str, Any]) -> None:
        """Load it; what goes wrong is Serve's to tell.

        Serve calls it before the first request, and once more when it has ended the replicas before and counts those that
        are left anew.
        """
        if self._told.get("version") == given["plugbay"]:
            return
        self._told = {"version": given["plugbay"], "model": given["uri"], "labels": given["labels"]}
        self._stopped = given["stopped"]
        if not self._stopped:
            self._threads = ThreadPoolExecutor(given["max_ongoing_requests"])
            self._code = unpack(given["code"])  # its files are there as long as this is
            self._predict = _load(given)

    async def __call__(self, request: Any) -> Any:
        """``POST`` inputs as JSON for predictions, ``GET`` what answers."""
        if request.method == "GET":
            return _response(200, {**self._told, "stopped": self._stopped})
        if self._stopped:
            return _response(503, {"error": "it is stopped"})
        body = await request.body()
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, body)

    def _answer(self, body: bytes) -> Any:
        try:
            inputs = json.loads(body)
        except ValueError as error:
            return _response(400, _told(error))
        try:
            return _response(200, self._predict(inputs))
        except (ValueError, TypeError, LookupError) as error:
            return _response(422, _told(error))
        except Exception as error:  # noqa: BLE001  the model's own, whatever it is
            return _response(500, _told(error))


def _load(given: Mapping[str, Any]) -> Any:
    path = Path(given["path"])
    if given["digest"] is not None and path.is_file():
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != given["digest"].removeprefix("sha256:"):
            msg = f"{path} has the digest {found}, not {given['digest']}"
            raise ValueError(msg)
    module, _, name = given["predictor"].partition(":")
    make: Any = importlib.import_module(module)
    for part in name.split("."):
        make = getattr(make, part)
    return make(path)


def _response(status: int, content: object) -> Any:
    from starlette.responses import Response

    return Response(json.dumps(content, default=_plain), status, media_type="application/json")


def _told(error: Exception) -> dict[str, str]:
    return {"error": f"{type(error).__name__}: {error}"}


def _plain(unknown: Any) -> object:
    if hasattr(unknown, "tolist"):
        return unknown.tolist()
    msg = f"the model's prediction holds a {type(unknown).__qualname__}, which JSON has no form for"
    raise RuntimeError(msg)
