"""Requests to Serve's HTTP proxy."""

from __future__ import annotations

import json
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit


def ask(url: str, method: str, body: bytes | None, timeout: float) -> tuple[int, Any]:
    """The status and the JSON of an answer, or its text. Raises ``OSError`` when there is none."""
    place = urlsplit(url)
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = kind(place.hostname or "", place.port, timeout=timeout)
    try:
        connection.request(method, place.path, body, {"Content-Type": "application/json"})
        with connection.getresponse() as response:
            content = response.read()
            status = response.status
    except HTTPException as error:
        msg = f"{url}: {type(error).__name__}: {error}"
        raise OSError(msg) from error
    finally:
        connection.close()
    try:
        return status, json.loads(content)
    except ValueError:
        return status, content.decode("utf-8", "replace")


def plain(inputs: Any) -> Any:
    """Rows as JSON: records of a dataframe, lists of an array; anything else is sent as it is."""
    if hasattr(inputs, "to_dicts"):  # polars
        return inputs.to_dicts()
    if hasattr(inputs, "to_pylist"):  # pyarrow
        return inputs.to_pylist()
    if hasattr(inputs, "to_dict") and hasattr(inputs, "columns"):  # pandas
        return inputs.to_dict(orient="records")
    if hasattr(inputs, "tolist"):  # numpy
        return inputs.tolist()
    return inputs
