"""Writing objects: whole or not at all, once where that is asked for, and in pieces where they are large."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

from plugbay_objectstore.failures import is_about_the_place, is_answered, translated, was_repeated
from plugbay_objectstore.keys import checked
from plugbay_objectstore.place import Place
from plugbay_objectstore.touching import touch

if TYPE_CHECKING:
    from obstore.store import ObjectStore

IN_ONE_REQUEST = 16 << 20
"""Up to this many bytes an object is sent in one request, from memory."""
_PART = 5 << 20
_AT_ONCE = 12
"""Parts that are on their way at a time."""
_PARTS = 9000
"""The services take 10,000 and more."""
_PAUSE = 0.5


@frozen(kw_only=True)
class Writer:
    """Writes objects to one store."""

    store: ObjectStore
    place: Place
    copies_onto_itself: bool
    """Whether the service copies an object onto itself, which makes it young."""
    patience: float
    """Seconds for which a request that fails is tried again."""

    def write(self, key: str, source: bytes | Path, *, if_absent: bool) -> bool:
        """Write an object; return whether it was."""
        checked(key)
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        with translated(self.place, key):
            if size > IN_ONE_REQUEST:
                return self._write_large(key, source, size, if_absent=if_absent)
            content = source if isinstance(source, bytes) else source.read_bytes()
            if if_absent:
                return self._create(key, content)
            self._put(key, content)
            return True

    def _put(self, key: str, content: bytes) -> None:
        import obstore

        obstore.put(self.store, key, content, mode="overwrite", use_multipart=False)

    def _write_large(self, key: str, source: bytes | Path, size: int, *, if_absent: bool) -> bool:
        """Stream an object in parts; it appears when the last one is there.

        No service takes a condition for parts from this library, so of several writers that find the object absent at
        once each writes it.
        """
        import obstore

        if if_absent and self._touched(key):
            return False
        part = max(_PART, -(-size // _PARTS))
        obstore.put(self.store, key, source, use_multipart=True, chunk_size=part, max_concurrency=_AT_ONCE)
        return True

    def _create(self, key: str, content: bytes) -> bool:
        """Write what is absent: the service decides among several."""
        import obstore
        from obstore import exceptions

        end = time.monotonic() + self.patience
        uncertain = False
        while True:
            try:
                obstore.put(self.store, key, content, mode="create", use_multipart=False)
                return True
            except (exceptions.AlreadyExistsError, FileExistsError) as error:
                # A request that was sent again may have met what it had written the first time.
                if (uncertain or was_repeated(error)) and self._holds(key, content):
                    return True
                if self._touched(key):
                    return False
                if time.monotonic() > end:  # it is there for a writer and not for a reader
                    raise
            except exceptions.GenericError as error:
                # A request with a condition is not repeated by the library when the connection breaks.
                if is_answered(error) or time.monotonic() > end:
                    raise
                uncertain = True
                time.sleep(_PAUSE)

    def _holds(self, key: str, content: bytes) -> bool:
        import obstore

        try:
            return bytes(obstore.get(self.store, key).bytes()) == content
        except FileNotFoundError:
            return False

    def _touched(self, key: str) -> bool:
        """Make an object young; ``False`` when there is none."""
        try:
            touch(self.store, key, copies_onto_itself=self.copies_onto_itself)
        except FileNotFoundError as error:
            if is_about_the_place(error):
                raise
            return False
        return True
