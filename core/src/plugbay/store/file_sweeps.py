"""Sweeps of a store whose objects are files of this machine.

Here nothing need be announced. A file that was removed is there for whoever had opened it before: it tells whether somebody
came to need it in that moment, and is put back.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from attrs import evolve

from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay_hookspecs.types import ObjectStat


def sweep_files(
    store: ArtifactStore, keys: Sequence[str], unwanted: Callable[[ObjectStat], bool]
) -> Iterator[ObjectStat]:
    """Delete the objects that are still unwanted; yield each that was.

    :param unwanted: looks at an object once more: an attempt may have met it meanwhile, and made it young.
    """
    for key in keys:
        with ExitStack() as opened:
            file = _opened(store, key, opened)
            found = store.stat(key)
            if found is None or not unwanted(found):
                continue
            store.delete([key])
            if file is None or unwanted(evolve(found, modified=os.fstat(file.fileno()).st_mtime)):
                yield found
            else:  # it was met between the look and the removal
                _put_back(store, key, file)


def _opened(store: ArtifactStore, key: str, opened: ExitStack) -> BinaryIO | None:
    with suppress(OSError):
        path = store.local_path(key)
        return opened.enter_context(path.open("rb")) if path is not None else None
    return None


def _put_back(store: ArtifactStore, key: str, file: BinaryIO) -> None:
    handle, name = tempfile.mkstemp(prefix="kept-", dir=store.scratch())
    try:
        with os.fdopen(handle, "wb") as copy:
            shutil.copyfileobj(file, copy, 1 << 20)
        store.put(key, Path(name), if_absent=True)
    finally:
        Path(name).unlink(missing_ok=True)
