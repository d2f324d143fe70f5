"""The typed facade of the stack's artifact store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from plugbay.errors import StoreError
from plugbay.host.host import Component, Host, note
from plugbay.stack.keys import check_key, check_prefix
from plugbay_hookspecs.types import ObjectStat


class ArtifactStore:
    """An object store; see :mod:`plugbay_hookspecs.artifact_store` for what each call promises.

    Every method raises :class:`StoreError` when the store cannot do it, ``FileNotFoundError`` for an object that is not
    there, and ``ValueError`` for a key that is none.
    """

    def __init__(self, host: Host, component: Component) -> None:
        """Reach the store ``component`` of ``host``."""
        self._component = component
        self._callers = {
            hook: caller
            for name in ("put", "get", "open", "stat", "list", "delete", "local_path", "url", "scratch")
            for hook in (f"artifact_store_{name}",)
            for found, caller in host.implementing(hook)
            if found is component
        }

    @property
    def is_local(self) -> bool:
        """Whether objects are files of this machine, so that a call makes no journey over a network."""
        return "artifact_store_local_path" in self._callers

    def _call(self, hook: str, what: str, **arguments: Any) -> Any:
        caller = self._callers.get(hook)
        if caller is None:
            return None
        try:  # no context manager: this is called several times a step
            return caller(**arguments)
        except (FileNotFoundError, FileExistsError, StoreError):
            raise
        except OSError as error:
            raise self._failure(error, what) from error

    def _failure(self, error: OSError, what: str) -> StoreError:
        failure = StoreError(f"the artifact store {self._component.info.flavor!r} cannot {what}: {_reason(error)}")
        for text in getattr(error, "__notes__", ()):
            failure.add_note(text)
        return failure

    def put(self, key: str, source: bytes | Path, *, if_absent: bool = False, durable: bool = True) -> bool:
        """Write an object, whole or not at all; a file is given up to the store. Return whether it was written."""
        what = f"write {check_key(key)}"
        written = self._call("artifact_store_put", what, key=key, source=source, if_absent=if_absent, durable=durable)
        return bool(written)

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        content: bytes = self._call("artifact_store_get", f"read {check_key(key)}", key=key)
        return content

    def open(self, key: str, *, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Open an object or a range of it for reading."""
        what = f"read {check_key(key)}"
        file: BinaryIO = self._call("artifact_store_open", what, key=key, offset=offset, length=length)
        return file

    def stat(self, key: str) -> ObjectStat | None:
        """Look an object up."""
        found: ObjectStat | None = self._call("artifact_store_stat", f"look up {check_key(key)}", key=key)
        return found

    def list(self, prefix: str = "", *, after: str | None = None, recursive: bool = True) -> Iterator[ObjectStat]:
        """List objects in the order of their keys."""
        what = f"list {check_prefix(prefix) or 'its root'}"
        found = self._call("artifact_store_list", what, prefix=prefix, after=after, recursive=recursive)
        try:
            yield from found
        except Exception as error:  # the hook has returned by now, so its host does not see this
            note(error, "artifact_store_list", self._component)
            if isinstance(error, OSError):
                raise self._failure(error, what) from error
            raise

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; one that is not there is no error."""
        self._call("artifact_store_delete", f"delete {len(keys)} objects", keys=[check_key(key) for key in keys])

    def local_path(self, key: str) -> Path | None:
        """Where the object lies on the local disk."""
        path: Path | None = self._call("artifact_store_local_path", f"find {check_key(key)}", key=key)
        return path

    def url(self, key: str) -> str | None:
        """The object's address for a person or another tool."""
        url: str | None = self._call("artifact_store_url", f"find {check_key(key)}", key=key)
        return url

    def scratch(self) -> Path | None:
        """A directory from which a file can be moved into the store."""
        path: Path | None = self._call("artifact_store_scratch", "make a directory for new files")
        return path


def _reason(error: OSError) -> str:
    text = error.strerror or str(error) or type(error).__name__
    return f"{text} ({error.filename})" if error.filename else text
