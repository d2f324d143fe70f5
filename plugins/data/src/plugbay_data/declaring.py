"""Declare a serializer in one line."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from plugbay_hookspecs.types import Serializer


def no_facts(_: Any) -> Mapping[str, object]:
    """Nothing that a record says of a value."""
    return {}


def serializer(
    name: str,
    extension: str,
    save: Callable[[Any, BinaryIO], None],
    load: Callable[[Path | BinaryIO], Any],
    metadata: Callable[[Any], Mapping[str, object]] = no_facts,
) -> Serializer:
    """Declare the serializer of a type by its name in its library, ``numpy.ndarray``, which records keep, too."""
    module, _, qualname = name.partition(".")
    return Serializer(
        name=name, module=module, qualname=qualname, save=save, load=load, extension=extension, metadata=metadata
    )
