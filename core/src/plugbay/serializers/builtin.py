"""The serializers of the core: plain values as JSON, bytes as they are, files, and pickle as the last resort."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from plugbay.values import EncodingError, decode, encode
from plugbay_hookspecs.types import Serializer

if TYPE_CHECKING:
    from plugbay.mentions import Mentions

_CHUNK = 1 << 20
_as_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def save(serializer: Serializer, value: Any, file: BinaryIO) -> Mentions | None:
    """Write the value to the file; return what it leads to, where it leads anywhere and the serializer is the core's own."""
    if serializer is JSON:
        return _save_json(value, file)
    if serializer is PICKLE:
        return _save_pickle(value, file)
    serializer.save(value, file)
    return None


def _save_json(value: Any, file: BinaryIO) -> Mentions | None:
    content = _as_json(encode(value)).encode("utf-8", "surrogatepass")
    file.write(content)
    if b'"$' not in content:
        return None
    from plugbay.mentions import Mentions  # most values lead nowhere

    mentions = Mentions()
    mentions.add_json(content)
    return mentions


def _load_json(source: Path | BinaryIO) -> Any:
    return decode(json.loads(_content(source).decode("utf-8", "surrogatepass")))


def _save_bytes(value: bytes, file: BinaryIO) -> None:
    file.write(value)


def _content(source: Path | BinaryIO) -> bytes:
    return source.read_bytes() if isinstance(source, Path) else source.read()


def _save_pickle(value: Any, file: BinaryIO) -> Mentions:
    from plugbay.serializers.pickling import dump  # few values are pickled

    try:
        return dump(value, file)
    except RecursionError as error:
        msg = f"the {type(value).__qualname__} is nested too deeply to be kept: give it fewer levels, or write it to a file and return its path"
        raise EncodingError(msg) from error


def _load_pickle(source: Path | BinaryIO) -> Any:
    from plugbay.serializers.pickling import load  # the digest was checked, and allow_pickle is on

    if isinstance(source, Path):
        with source.open("rb") as file:
            return load(file)
    return load(source)


def _save_file(path: Path, file: BinaryIO) -> None:
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            file.write(chunk)


def _load_file(source: Path | BinaryIO) -> Path:
    if not isinstance(source, Path):
        msg = "a file artifact is loaded as a path"
        raise TypeError(msg)
    return source


def _writes(save: Callable[[Any, BinaryIO], Mentions | None]) -> Callable[[Any, BinaryIO], None]:
    def write(value: Any, file: BinaryIO) -> None:
        save(value, file)

    return write


JSON = Serializer(
    name="json", module="builtins", qualname="object", save=_writes(_save_json), load=_load_json, extension=".json"
)
BYTES = Serializer(name="bytes", module="builtins", qualname="bytes", save=_save_bytes, load=_content, extension=".bin")
FILE = Serializer(name="file", module="pathlib", qualname="Path", save=_save_file, load=_load_file)
PICKLE = Serializer(
    name="pickle",
    module="builtins",
    qualname="object",
    save=_writes(_save_pickle),
    load=_load_pickle,
    extension=".pickle",
)
