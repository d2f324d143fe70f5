"""The artifact store that is a directory."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import attrs

from plugbay_hookspecs import component, hookimpl
from plugbay_hookspecs.types.stack import Health, Problem, StackInfo
from plugbay_hookspecs.types.store import ObjectStat
from plugbay_local.objects import directories, keys, listing, reading, removing, writing


@component
class LocalArtifactStore:
    """Keep artifacts and records as files in a directory."""

    path: Path | None = None
    """The directory; without it ``store`` in ``PLUGBAY_HOME`` or in the user's data directory."""
    shared: Literal["group"] | None = None
    """``group``: every user of the directory's group may write, whatever the umask says; otherwise the umask decides."""
    _root: str = attrs.field(init=False, repr=False)
    _root_is_shared: bool = attrs.field(init=False, repr=False, eq=False, default=False)

    def __attrs_post_init__(self) -> None:
        # As text, because each operation joins it with a key.
        self._root = os.path.abspath(_expanded(self.path or _default_path()))  # noqa: PTH100 -- Path.absolute keeps `..`

    @hookimpl
    def artifact_store_put(self, key: str, source: bytes | Path, if_absent: bool, durable: bool) -> bool:
        self._share()
        return writing.write_object(self._root, key, source, if_absent=if_absent, durable=durable)

    @hookimpl
    def artifact_store_get(self, key: str) -> bytes:
        return reading.read_object(self._root, key)

    @hookimpl
    def artifact_store_open(self, key: str, offset: int, length: int | None) -> BinaryIO:
        return reading.open_object(self._root, key, offset, length)

    @hookimpl
    def artifact_store_stat(self, key: str) -> ObjectStat | None:
        return reading.stat_object(self._root, key)

    @hookimpl
    def artifact_store_list(self, prefix: str, after: str | None, recursive: bool) -> Iterator[ObjectStat]:
        return listing.list_objects(self._root, prefix, after, recursive=recursive)

    @hookimpl
    def artifact_store_delete(self, keys: Sequence[str]) -> None:
        removing.delete_objects(self._root, keys)

    @hookimpl
    def artifact_store_local_path(self, key: str) -> Path | None:
        return None if reading.stat_object(self._root, key) is None else Path(self._root, key)

    @hookimpl
    def artifact_store_url(self, key: str) -> str:
        keys.parts_of(key)
        return Path(self._root, key).as_uri()

    @hookimpl
    def artifact_store_scratch(self) -> Path:
        self._share()
        directories.create_scratch(self._root)
        return Path(self._root, directories.SCRATCH)

    @hookimpl
    def component_validate(self, stack: StackInfo) -> Sequence[Problem]:
        if self.path is not None and _expanded(self.path).startswith("~"):
            return [
                Problem(
                    message=f"path = {str(self.path)!r} starts at the home directory of a user who is not known here",
                    remedy="write the directory out, or ~/ for your own home directory",
                )
            ]
        return []

    @hookimpl
    def component_health(self) -> Health:
        # Imported here because only a person asks.
        from plugbay_local.objects.probing import probe

        started = time.perf_counter()
        try:
            self._share()
            free = probe(self._root)
        except OSError as error:
            return Health(ok=False, detail=str(error))
        return Health(ok=True, detail=f"{free / 1e9:.1f} GB free", latency=time.perf_counter() - started)

    @hookimpl
    def component_provision(self) -> None:
        self._share()
        directories.create_scratch(self._root)

    @hookimpl
    def component_describe(self) -> Mapping[str, str]:
        return {"path": self._root, "url": Path(self._root).as_uri()}

    def _share(self) -> None:
        """Before anything is made in the directory: let its group write, if that is wanted."""
        if self.shared and not self._root_is_shared:
            directories.share_root(self._root)
            self._root_is_shared = True


def _expanded(path: Path) -> str:
    return os.path.expanduser(path)  # noqa: PTH111 -- Path.expanduser raises for an unknown user, and settings may not


def _default_path() -> Path:
    home = os.environ.get("PLUGBAY_HOME")
    if home:
        return Path(home, "store")
    from plugbay_local.home import user_path  # as little as can be is imported by every run

    return user_path("store")
