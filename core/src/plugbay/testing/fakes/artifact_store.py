"""An artifact store without a disk."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from attrs import field

from plugbay.testing.fakes.shared import Shared
from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types import ObjectStat


class Objects:
    """Bytes by key, each with the time at which it was modified."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.found: dict[str, tuple[bytes, float]] = {}

    def put(self, key: str, content: bytes, if_absent: bool) -> bool:
        """Keep bytes; whether they were."""
        old = self.found.get(key)
        kept = if_absent and old is not None
        self.found[key] = (old[0] if kept and old else content, time.time())
        return not kept

    def get(self, key: str, offset: int, length: int | None) -> bytes:
        """A range of an object."""
        if key not in self.found:
            raise FileNotFoundError(key)
        return self.found[key][0][offset:][:length]

    def stat(self, key: str) -> ObjectStat | None:
        """What is known of an object."""
        if key not in self.found:
            return None
        content, modified = self.found[key]
        return ObjectStat(key=key, size=len(content), modified=modified)

    def listed(self, prefix: str, after: str | None, recursive: bool) -> list[ObjectStat]:
        """The objects and common parts, in order."""
        entries: dict[str, ObjectStat] = {}
        for key, (content, modified) in self.found.items():
            if key.startswith(prefix):
                first, slash, _ = key.removeprefix(prefix).partition("/")
                if slash and not recursive:
                    entries[f"{prefix}{first}/"] = ObjectStat(key=f"{prefix}{first}/", size=0, modified=0)
                else:
                    entries[key] = ObjectStat(key=key, size=len(content), modified=modified)
        ordered = sorted(entries.values(), key=lambda entry: _order(entry.key))
        return [entry for entry in ordered if not after or _order(entry.key) > _order(after)]

    def delete(self, keys: Sequence[str]) -> None:
        """Forget objects."""
        for key in keys:
            self.found.pop(key, None)


@component
class FakeArtifactStore:
    """Keeps objects in memory."""

    kept: Any = field(factory=lambda: Shared(Objects()), repr=False)

    @hookimpl
    def artifact_store_put(self, key: str, source: bytes | Path, if_absent: bool) -> bool:
        content = source.read_bytes() if isinstance(source, Path) else source
        written: bool = self.kept.put(key, content, if_absent)
        return written

    @hookimpl
    def artifact_store_get(self, key: str) -> bytes:
        content: bytes = self.kept.get(key, 0, None)
        return content

    @hookimpl
    def artifact_store_open(self, key: str, offset: int, length: int | None) -> BinaryIO:
        return io.BytesIO(self.kept.get(key, offset, length))

    @hookimpl
    def artifact_store_stat(self, key: str) -> ObjectStat | None:
        found: ObjectStat | None = self.kept.stat(key)
        return found

    @hookimpl
    def artifact_store_list(self, prefix: str, after: str | None, recursive: bool) -> Iterator[ObjectStat]:
        return iter(self.kept.listed(prefix, after, recursive))

    @hookimpl
    def artifact_store_delete(self, keys: Sequence[str]) -> None:
        self.kept.delete(list(keys))


def _order(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")
