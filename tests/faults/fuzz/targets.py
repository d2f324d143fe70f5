"""The same targets as in ``test_fuzz.py``, for atheris: it searches by coverage, where hypothesis draws.

``python targets.py NAME -runs=20000``; a target is ``config``, ``documents``, ``keys`` or ``parameters``. What a target raises
is a finding, and atheris writes the input to a file of its own.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import json
import os
import pathlib
import sys
import tempfile
import uuid
from collections.abc import Callable
from random import Random
from typing import Any, Literal

import atheris

sys.path.insert(0, str(pathlib.Path(__file__).parents[1]))

from faultlab.mutation import changed_bytes, changed_values

with atheris.instrument_imports(include=["plugbay", "plugbay_local", "tomllib"]):
    from plugbay.cli.from_text import value_of_text
    from plugbay.config.schema import load_config
    from plugbay.errors import ConfigError, StoreError
    from plugbay.stack.keys import check_key
    from plugbay.store.documents import AttemptRecord, CacheEntry, Driver, EndRecord, RunRecord, read
    from plugbay_local.objects.keys import parts_of

KINDS = (RunRecord, AttemptRecord, EndRecord, CacheEntry, Driver)


class Colour(enum.Enum):
    """A choice."""

    RED = 1


HINTS: tuple[Any, ...] = (
    Any, int, float, complex, bool, decimal.Decimal, uuid.UUID, dt.datetime, dt.date, dt.time, pathlib.Path, Colour,
    Literal["a", 1], int | None, str | int, list[int], dict[str, float], tuple[int, str], set[str], dict[int, list[Colour]],
)  # fmt: skip


def config(data: bytes) -> None:
    """A project's configuration file."""
    path = pathlib.Path("plugbay.toml")
    path.write_bytes(data)
    try:
        load_config()
    except ConfigError:
        return


OUTPUT = {"name": "o", "digest": "0" * 64, "size": 1, "serializer": "json", "type": "builtins:int", "text": "1"}
DRIVER = {"number": 1, "host": "h", "boot": "b", "pid": 1, "lock": "l", "at": 1.0}
SOURCE = {"run_id": "r", "step": "s", "attempt": 1}
ERROR = {"type": "ValueError", "message": "m"}
ATTEMPT = {"run_id": "r", "step": "s", "name": "s", "attempt": 1, "status": "succeeded", "started": 1.0, "ended": 2.0}
STEP = {"id": "s", "name": "s", "function": "m:s", "inputs": {"x": {"literal": 1}}, "outputs": [{"name": "o"}]}
WHOLE: tuple[dict[str, Any], ...] = (
    {
        "id": "r",
        "plan": {"pipeline": "p", "steps": [STEP]},
        "stack": "s",
        "components": [],
        "created": 1.0,
        "driver": DRIVER,
    },
    {**ATTEMPT, "outputs": [OUTPUT], "inputs": {"x": ["0" * 64]}, "metrics": {"m": [[1.0, 2.0]]}, "error": ERROR},
    {
        "run_id": "r",
        "status": "failed",
        "driver": 1,
        "ended": 2.0,
        "steps": {"s": {"status": "cached", "source": SOURCE}},
    },
    {"source": SOURCE, "outputs": [OUTPUT], "seconds": 1.0, "fingerprint": "f"},
    DRIVER,
)
"""One document of each kind."""


def documents(data: bytes) -> None:
    """A document of any kind, the first byte says which: as it comes, or whole with what the bytes change about it."""
    number = (data[0] if data else 0) % (3 * len(KINDS))
    kind = KINDS[number % len(KINDS)]
    content, whole = data[1:], json.dumps(WHOLE[number % len(KINDS)]).encode()
    if number >= len(KINDS):
        content = (changed_bytes if number >= 2 * len(KINDS) else changed_values)(whole, Random(data))
    try:
        read(content, kind, "key")
    except StoreError:
        return


def keys(data: bytes) -> None:
    """A key, as the host and the local store check it."""
    key = data.decode("utf-8", "surrogateescape")
    try:
        check_key(key)
        parts = parts_of(key)
    except ValueError:
        return
    root = os.path.abspath("store")
    assert os.path.normpath(os.path.join(root, *parts)) == os.path.join(root, *parts), key
    assert os.path.commonpath([root, os.path.join(root, *parts)]) == root


def parameters(data: bytes) -> None:
    """The text of a parameter; the first byte says of which type."""
    hint = HINTS[(data[0] if data else 0) % len(HINTS)]
    _, problems = value_of_text(data[1:].decode("utf-8", "surrogateescape"), hint, "parameter 'x'")
    assert all(problem.startswith("parameter 'x'") for problem in problems)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "config": config,
    "documents": documents,
    "keys": keys,
    "parameters": parameters,
}


def main() -> None:
    """Fuzz the target that the command line names, in a directory of its own."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"say which target: {', '.join(TARGETS)}")
    target = TARGETS[sys.argv.pop(1)]
    os.chdir(tempfile.mkdtemp(prefix="plugbay-fuzz-"))
    os.environ["PLUGBAY_HOME"] = os.path.abspath("home")
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
