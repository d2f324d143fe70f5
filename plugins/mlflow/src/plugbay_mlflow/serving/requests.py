"""Requests to MLflow's scoring server, in the forms that it knows, and what its answers mean."""

from __future__ import annotations

import json
import re
from typing import Any

_REFUSING = frozenset({"ValueError", "TypeError", "KeyError", "IndexError", "LookupError", "MlflowException"})
_names_exception = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Warning|Interrupt|Exit)\b(:|$)").match


def predicted(name: str, code: int, answer: bytes) -> Any:
    """The predictions of an answer. Raises ``ValueError`` for inputs that were refused, ``OSError`` for other failures.

    MLflow answers 400 to whatever the model raises. What a model refuses by is a ``ValueError``, a ``TypeError`` or a
    ``LookupError``; any other exception is a failure of the model.
    """
    try:
        told = json.loads(answer)
    except ValueError:
        told = answer.decode(errors="replace")
    if code == 200:
        return told["predictions"] if isinstance(told, dict) and "predictions" in told else told
    reason = told.get("message", told) if isinstance(told, dict) else told
    refused = code in (400, 415, 422)
    if isinstance(told, dict) and told.get("stack_trace"):
        raised = _last_exception(str(told["stack_trace"]))
        reason = f"{reason} {raised}"
        refused = refused and raised.partition(":")[0].rpartition(".")[2] in _REFUSING
    msg = f"deployment {name!r} answered {code}: {reason}"
    raise ValueError(msg) if refused else OSError(msg)


def _last_exception(stack_trace: str) -> str:
    """The line of a traceback that names the exception, which the lines of its message may follow."""
    unindented = [line for line in stack_trace.strip().splitlines() if line[:1].strip()]
    named = [line for line in unindented if _names_exception(line)]
    return (named or unindented or [""])[-1]


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
