"""Keep the changes of models as numbered documents, each created once."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from plugbay_local.models.history import History
from plugbay_local.objects.reading import read_object
from plugbay_local.objects.writing import write_object

_DIRECTORY = "models"


def directory_of(name: str) -> str:
    """The name of a model as the name of a directory: no two are the same, and none leads anywhere else."""
    if not name:
        msg = "the name of a model is empty"
        raise ValueError(msg)
    return quote(name, safe="").replace(".", "%2E", 1 if name.startswith(".") else 0)


def names(root: str) -> list[str]:
    """The names of all models that ever were, in their order."""
    try:
        entries = os.listdir(Path(root, _DIRECTORY))  # noqa: PTH208 -- their names are all that counts
        return sorted(unquote(entry) for entry in entries if not entry.startswith("."))
    except FileNotFoundError:
        return []


def history_of(root: str, name: str) -> History:
    """Read the changes of a model; of a name that never was, there are none."""
    history = History(name)
    read_on(root, history)
    return history


def read_on(root: str, history: History) -> None:
    """Read the changes that were made since."""
    directory = directory_of(history.name)
    while True:
        try:
            document = read_object(root, _key(directory, history.length + 1))
        except FileNotFoundError:
            return
        history.add(json.loads(document))


def change(root: str, name: str, decide: Callable[[History], dict[str, Any] | None]) -> History:
    """Make a change; return the history with it, or as it is when there is nothing to change.

    :param decide: says the change by the history so far, and is asked again when another process was first. It may raise.
    """
    directory = directory_of(name)
    history = history_of(root, name)
    while True:
        wanted = decide(history)
        if wanted is None:
            return history
        made = {**wanted, "at": time.time()}
        document = json.dumps(made, ensure_ascii=False, indent=1).encode("utf-8", "surrogatepass")
        if write_object(root, _key(directory, history.length + 1), document, if_absent=True, durable=True):
            history.add(json.loads(document))
            return history
        read_on(root, history)


def _key(directory: str, number: int) -> str:
    return f"{_DIRECTORY}/{directory}/{number:08}.json"
