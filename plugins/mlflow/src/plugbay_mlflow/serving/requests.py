"""Requests to MLflow's scoring server, in the forms that it knows, and what its answers mean."""

from __future__ import annotations

import json
from typing import Any


def predicted(name: str, code: int, answer: bytes) -> Any:
    """The predictions of an answer. Raises ``ValueError`` for inputs that were refused, ``OSError`` for other failures."""
    try:
        told = json.loads(answer)
    except ValueError:
        told = answer.decode(errors="replace")
    if code == 200:
        return told["predictions"] if isinstance(told, dict) and "predictions" in told else told
    reason = told.get("message", told) if isinstance(told, dict) else told
    if isinstance(told, dict) and told.get("stack_trace"):  # its last line is what the model raised
        reason = f"{reason} {str(told['stack_trace']).strip().splitlines()[-1]}"
    msg = f"deployment {name!r} answered {code}: {reason}"
    raise ValueError(msg) if code in (400, 415, 422) else OSError(msg)


def plain(inputs: Any) -> Any:
    """Rows in a form that MLflow's scoring server takes; a plain JSON value is sent as it is."""
    if hasattr(inputs, "to_dicts"):  # polars
        return {"dataframe_records": inputs.to_dicts()}
    if hasattr(inputs, "to_pylist"):  # pyarrow
        return {"dataframe_records": inputs.to_pylist()}
    if hasattr(inputs, "to_json") and hasattr(inputs, "columns"):  # pandas writes dates as MLflow reads them
        return {"dataframe_split": json.loads(inputs.to_json(orient="split", index=False, date_format="iso"))}
    if hasattr(inputs, "tolist"):  # numpy
        return {"inputs": inputs.tolist()}
    return inputs
