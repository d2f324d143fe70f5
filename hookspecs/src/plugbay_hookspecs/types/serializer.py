"""How values of a library's type become bytes and come back."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from attrs import field, frozen


def _no_metadata(value: Any) -> Mapping[str, object]:
    return {}


@frozen(kw_only=True)
class Serializer:
    """Turns values of one type, and of classes derived from it, into bytes and back."""

    name: str
    """Kept in records; stays the same for as long as the bytes can be read."""
    module: str
    """The top-level module of the type, found without importing it: ``numpy``."""
    qualname: str
    """The qualified name of the type within its library, as ``type.__qualname__`` has it: ``ndarray``."""
    save: Callable[[Any, BinaryIO], None] = field(repr=False)
    """``save(value, file)`` writes the value to a binary file open for writing. It raises ``TypeError`` for a value that it cannot
    give back as it was, which is pickled instead where that is allowed, and any other error to have the step fail."""
    load: Callable[[Path | BinaryIO], Any] = field(repr=False)
    """``load(source)`` reads it from a file of the local disk, which may be memory-mapped and must not be changed, or
    from a binary file in memory."""
    extension: str = ""
    """With the dot: ``.npy``."""
    metadata: Callable[[Any], Mapping[str, object]] = field(default=_no_metadata, repr=False)
    """``metadata(value)`` gives plain facts to keep in the record: shape, columns, ..."""
