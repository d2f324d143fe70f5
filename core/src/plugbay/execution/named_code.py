"""The classes and functions that values name: whether this project has them, and what they are today."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from plugbay.code.fingerprint import CodeFingerprint, Walk
from plugbay.code.project import Project
from plugbay.reference import MAIN, reference_to, resolve_named


class NamedCode:
    """Looks up what references lead to; each is looked up once in a run."""

    def __init__(self, walks: Iterable[Walk]) -> None:
        """Begin with nothing looked up.

        :param walks: those over the code of the steps, which have met most of it already.
        """
        self._walks = {walk.project: walk for walk in walks}
        self._found: dict[str, Any] = {}
        self._fingerprints: dict[str, CodeFingerprint | None] = {}

    def is_there(self, reference: str) -> bool:
        """Whether the reference leads to something that goes by this name itself."""
        return self._find(reference) is not None

    def fingerprint(self, reference: str) -> CodeFingerprint | None:
        """The fingerprint of what it leads to; ``None`` where it leads nowhere."""
        if reference not in self._fingerprints:
            found = self._find(reference)
            self._fingerprints[reference] = None if found is None else self._taken(found)
        return self._fingerprints[reference]

    def _taken(self, found: Any) -> CodeFingerprint:
        project = Project.of(found)
        walk = self._walks.get(project)
        if walk is None:
            walk = self._walks[project] = Walk(project)
        return walk.of_function(found) if isinstance(found, types.FunctionType) else walk.of_value(found)

    def _find(self, reference: str) -> Any:
        if reference not in self._found:
            self._found[reference] = _resolved(reference)
        return self._found[reference]


def _resolved(reference: str) -> Any:
    try:
        found = resolve_named(reference)  # a document in a store names it
    except Exception:  # noqa: BLE001  a module runs whatever code when it is imported
        return None
    in_notebook = reference.partition(":")[0] in MAIN  # whose classes have no name for other processes
    return found if in_notebook or reference_to(found) == reference else None
