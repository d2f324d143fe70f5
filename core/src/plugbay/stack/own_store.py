"""A component's own part of the stack's artifact store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar
from urllib.parse import quote

from plugbay.errors import StoreError
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.stack.keys import check_key, check_prefix
from plugbay_hookspecs.catalogue import COMPONENT_TYPES, Multiplicity
from plugbay_hookspecs.types import ComponentInfo, ObjectStat

T = TypeVar("T")

COMPONENTS = "components/"
"""What components keep lies behind this; garbage collection never looks there."""


def own_prefix(component: ComponentInfo) -> str:
    """What lies behind this belongs to the component. The name is in it where a stack may have several of the type."""
    kind = COMPONENT_TYPES.get(component.type)
    if kind is not None and kind.multiplicity is not Multiplicity.ANY_NUMBER:
        return f"{COMPONENTS}{component.type}/"
    name = quote(component.name, safe=" ")
    return f"{COMPONENTS}{component.type}/{name.replace('.', '%2E', 1) if name.startswith('.') else name}/"


class OwnStore:
    """An artifact store as its part behind a prefix; see :class:`plugbay_hookspecs.types.ObjectStore`.

    A flavor knows no error of Plugbay's: what the store cannot do is an ``OSError``.
    """

    def __init__(self, store: ArtifactStore | None, prefix: str) -> None:
        """Confine ``store`` to ``prefix``; without a store, everything raises ``OSError``."""
        self._store, self._prefix = store, prefix

    def __reduce__(self) -> tuple[type[OwnStore], tuple[None, str]]:
        """Leave the store behind: the process that this gets to starts the component with one of its own."""
        return OwnStore, (None, self._prefix)

    def __repr__(self) -> str:
        return f"<the artifact store behind {self._prefix!r}>"

    def _asked(self, question: Callable[[ArtifactStore], T]) -> T:
        if self._store is None:
            msg = f"the artifact store behind {self._prefix!r} was left in another process; start the component in this one"
            raise OSError(msg)
        try:
            return question(self._store)
        except StoreError as error:
            failure = OSError(str(error))
            for text in getattr(error, "__notes__", ()):
                failure.add_note(text)
            raise failure from error

    def _full(self, key: str) -> str:
        check_key(key)  # by itself: it must not lead out, and an error shows what was given
        return self._prefix + key

    def _shown(self, found: ObjectStat) -> ObjectStat:
        return ObjectStat(key=found.key.removeprefix(self._prefix), size=found.size, modified=found.modified)

    def put(self, key: str, source: bytes | Path, *, if_absent: bool = False, durable: bool = True) -> bool:
        """Write an object, whole or not at all; a file is given up to the store. Return whether it was written."""
        full = self._full(key)
        return self._asked(lambda store: store.put(full, source, if_absent=if_absent, durable=durable))

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        full = self._full(key)
        return self._asked(lambda store: store.get(full))

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Open an object or a range of it for reading."""
        full = self._full(key)
        return self._asked(lambda store: store.open(full, offset=offset, length=length))

    def stat(self, key: str) -> ObjectStat | None:
        """Look an object up."""
        full = self._full(key)
        found = self._asked(lambda store: store.stat(full))
        return None if found is None else self._shown(found)

    def list(self, prefix: str = "", *, after: str | None = None, recursive: bool = True) -> Iterator[ObjectStat]:
        """List objects in the order of their keys."""
        full, behind = self._prefix + check_prefix(prefix), None if after is None else self._prefix + after
        found = self._asked(lambda store: store.list(full, after=behind, recursive=recursive))
        while (entry := self._asked(lambda _: next(found, None))) is not None:
            yield self._shown(entry)

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that is not there is no error."""
        full = [self._full(key) for key in keys]
        self._asked(lambda store: store.delete(full))

    def local_path(self, key: str) -> Path | None:
        """Where the object lies on the local disk."""
        full = self._full(key)
        return self._asked(lambda store: store.local_path(full))

    def url(self, key: str) -> str | None:
        """The object's address for a person or another tool."""
        full = self._full(key)
        return self._asked(lambda store: store.url(full))

    def scratch(self) -> Path | None:
        """A directory from which a file can be moved into the store."""
        return self._asked(lambda store: store.scratch())
