"""Configuration from ``PLUGBAY_*`` variables: ``PLUGBAY_STACKS__PROD__ORCHESTRATOR__ADDRESS=auto`` and the like."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

from plugbay.config.sourced import SourcedText

_PREFIX = "PLUGBAY_"
_NOT_SETTINGS = frozenset({"PLUGBAY_CONFIG", "PLUGBAY_HOME", "PLUGBAY_TRACE"})
_WORKER_PREFIX = "PLUGBAY_WORKER_"
_of_a_service = re.compile(
    r"PLUGBAY_([A-Z0-9]+_)*"  # of a service that is called plugbay, or plugbay-something
    r"(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT(_[0-9]+_(TCP|UDP|SCTP)(_(ADDR|PORT|PROTO))?)?)"
).fullmatch
"""Kubernetes describes every service of a namespace to each pod of it, after the manner of Docker's links."""


def tables_of(environment: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give each variable that sets something with the table it stands for; an empty one sets nothing.

    A whole comes before its parts, so that a flavor and its settings may be given by variables of their own.
    """
    for name, text in sorted(environment.items()):
        if not text or not name.startswith(_PREFIX) or not _sets_something(name):
            continue
        *parents, key = name.removeprefix(_PREFIX).lower().split("__")
        table = {key: _value_of(key, text, name)}
        for parent in reversed(parents):
            table = {parent: table}
        yield name, table


def _sets_something(name: str) -> bool:
    return name not in _NOT_SETTINGS and not name.startswith(_WORKER_PREFIX) and _of_a_service(name) is None


def _value_of(key: str, text: str, variable: str) -> Any:
    """Read the text as TOML, or else as itself; the type of the setting decides what a number stands for."""
    if key == "observers" and not text.lstrip().startswith(("[", "{")):
        return [part.strip() for part in text.split(",") if part.strip()]
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # a number of too many digits is a ValueError, too
        return text
    if set(table) != {"value"}:
        return text  # its further lines are TOML by accident
    value = table["value"]
    return value if isinstance(value, (str, list, dict)) else SourcedText(text, variable, value)
