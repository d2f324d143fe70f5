"""The classes and functions that values name: whether this project has them, and what they are today."""

from __future__ import annotations

from typing import Any

from plugbay.code.fingerprint import code_fingerprint
from plugbay.reference import MAIN, reference_to, resolve_named


class NamedCode:
    """Looks up what references lead to; each is looked up once in a run."""

    def __init__(self) -> None:
        """Begin with nothing looked up."""
        self._found: dict[str, Any] = {}
        self._fingerprints: dict[str, str | None] = {}

    def is_there(self, reference: str) -> bool:
        """Whether the reference leads to something that goes by this name itself."""
        return self._find(reference) is not None

    def fingerprint(self, reference: str) -> str | None:
        """The digest of the code that what it leads to can reach; ``None`` where it leads nowhere."""
        if reference not in self._fingerprints:
            found = self._find(reference)
            self._fingerprints[reference] = None if found is None else code_fingerprint(found)
        return self._fingerprints[reference]

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
