"""Saving values as artifacts and loading them back, with the digest checked whenever bytes are read."""

from __future__ import annotations

import hashlib
import io
import os
import sys
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from plugbay.errors import CorruptArtifactError, OutputError, StoreError
from plugbay.reference import reference_to
from plugbay.serializers.builtin import FILE
from plugbay.serializers.choice import Serializers
from plugbay.stack.facades.artifact_store import ArtifactStore
from plugbay.store.distant import each
from plugbay.store.layout import blob_key
from plugbay.store.spool import HashAside, Spool
from plugbay.values import canonical, encode
from plugbay_hookspecs.types import Artifact, Serializer

if TYPE_CHECKING:
    from plugbay.store.fetched import FetchedDirectory

INLINE_LIMIT = 4096
"""Outputs of at most this many bytes are kept in the record itself."""
_CHUNK = 1 << 20
TREE = "directory"
LIST = "list"


class Artifacts:
    """Saves and loads artifacts of one store."""

    def __init__(self, store: ArtifactStore, serializers: Serializers) -> None:
        """Work on ``store``, choosing among ``serializers``."""
        self._store = store
        self._serializers = serializers
        self._scratch: weakref.finalize[..., Any] | None = None
        self._fetched_files: FetchedDirectory | None = None
        self._lock = threading.Lock()

    def save(self, name: str, value: Any, *, items: bool = False) -> Artifact:
        """Save a value durably and return its artifact.

        :param items: save each element of a list as an artifact of its own.
        :raises OutputError: when ``items`` is asked for and the value is no list, or the value is a missing file.
        :raises StoreError: when the store cannot take it.
        """
        if items:
            if not isinstance(value, (list, tuple)):
                msg = (
                    f"output {name!r} is mapped over by another step, so it must be a list, not {type(value).__name__}"
                )
                raise OutputError(msg)
            parts = tuple(self.save(str(index), item) for index, item in enumerate(value))
            return collection(name, LIST, parts)
        if isinstance(value, os.PathLike):
            return self._save_path(name, Path(value))
        kind = type(value)
        type_name = reference_to(kind) or f"{kind.__module__}:{kind.__qualname__}"
        try:
            return self._save_bytes(name, value, self._serializers.for_value(value), type_name)
        except Exception as error:
            error.add_note(f"while output {name!r}, a {type_name}, was saved")
            raise

    def _save_path(self, name: str, path: Path) -> Artifact:
        if path.is_dir():
            files = [(file.relative_to(path).as_posix(), file) for file in _files_below(path, name)]
            parts = tuple(each(self._store, lambda part: self._save_path(*part), files))
            return collection(name, TREE, parts)
        if not path.is_file():
            msg = f"output {name!r} is the path {path}, where there is no file or directory"
            raise OutputError(msg)
        artifact = self._save_bytes(name, path, FILE, "pathlib:Path")
        return artifact

    def _save_bytes(self, name: str, value: Any, serializer: Serializer, type_name: str) -> Artifact:
        with Spool(self._store.scratch) as spool:
            serializer.save(value, cast(BinaryIO, spool))
            digest, size, content, path = spool.finish()
            metadata = encode(dict(serializer.metadata(value)), f"metadata of output {name!r}")
            if serializer is FILE:
                metadata["filename"] = value.name
            inline = content if content is not None and size <= INLINE_LIMIT else None
            if inline is None:
                self._store.put(blob_key(digest), content if path is None else path, if_absent=True)  # type: ignore[arg-type]
        return Artifact(
            name=name,
            digest=digest,
            size=size,
            serializer=serializer.name,
            type=type_name,
            inline=inline,
            metadata=metadata,
        )

    def load(self, artifact: Artifact) -> Any:
        """Read the value of an artifact.

        Raises :class:`CorruptArtifactError` when the bytes are not those that were saved, :class:`StoreError` when they
        are gone, or cannot be read or copied.
        """
        try:
            return self._loaded(artifact)
        except OSError as error:
            raise _failed(artifact, error) from error

    def _loaded(self, artifact: Artifact) -> Any:
        if artifact.items is not None:
            _check(artifact, _digest_of_items(artifact.items))
            if artifact.serializer == TREE:
                return self._load_tree(artifact)
            return [self.load(item) for item in artifact.items]
        serializer = self._serializers.named(artifact.serializer, artifact.type)
        if serializer is FILE:
            return self._file(artifact)
        return serializer.load(self._source(artifact))

    def load_copy(self, artifact: Artifact, copy: Path) -> Any:
        """Read the value of an artifact from a copy of its bytes elsewhere; of a file or directory, the value is the copy.

        Raises :class:`CorruptArtifactError` when the bytes are not those of the artifact.
        """
        if digest_of_path(copy) != artifact.digest:
            msg = f"{copy.name} has not the bytes of artifact {artifact.name!r} ({artifact.digest}), of which it should be a copy"
            raise CorruptArtifactError(msg)
        if artifact.items is not None:
            return copy
        serializer = self._serializers.named(artifact.serializer, artifact.type)
        return copy if serializer is FILE else serializer.load(copy)

    def _source(self, artifact: Artifact) -> Path | BinaryIO:
        if artifact.inline is not None:
            _check(artifact, hashlib.sha256(artifact.inline).hexdigest())
            return io.BytesIO(artifact.inline)
        path = self._store.local_path(blob_key(artifact.digest))
        if path is not None:
            _check(artifact, self._digest_of(path, artifact))
            return path
        if artifact.size <= _CHUNK:
            content = b"".join(self._chunks(artifact))
            _check(artifact, hashlib.sha256(content).hexdigest())
            return io.BytesIO(content)
        return self._fetched(artifact, self.directory() / artifact.digest)

    def chunks(self, artifact: Artifact) -> Iterator[bytes]:
        """Yield the checked bytes of an artifact that is no collection."""
        source = self._source(artifact)
        try:
            file = source.open("rb") if isinstance(source, Path) else source
        except OSError as error:
            raise _unreadable(artifact, error) from error
        with file:
            yield from _read(artifact, file)

    def exists(self, artifact: Artifact) -> bool:
        """Whether the store still has every byte of it."""
        if artifact.items is not None:
            return all(each(self._store, self.exists, artifact.items))
        return artifact.inline is not None or self._store.stat(blob_key(artifact.digest)) is not None

    def _file(self, artifact: Artifact) -> Path:
        """The artifact as a file of its own with the name it had; a private copy, which a step may change."""
        directory = Path(tempfile.mkdtemp(dir=self.directory()))
        return self._copied(artifact, directory, str(artifact.metadata.get("filename") or "file"))

    def _load_tree(self, artifact: Artifact) -> Path:
        root = Path(tempfile.mkdtemp(dir=self.directory()))
        each(self._store, lambda item: self._copied(item, root, item.name), artifact.items or ())
        return root

    def _copied(self, artifact: Artifact, directory: Path, name: str) -> Path:
        """Write the artifact to the file ``name``, a relative path that a record gives, below ``directory``."""
        if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
            msg = f"artifact {artifact.name!r} would be written to {name!r}, which is no file below its directory"
            raise CorruptArtifactError(msg)
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        return self._fetched(artifact, target)

    def _fetched(self, artifact: Artifact, target: Path) -> Path:
        chunks = [artifact.inline] if artifact.inline is not None else self._chunks(artifact)
        handle, name = tempfile.mkstemp(dir=self.directory())
        partial = Path(name)
        with closing(HashAside()) as hashed, os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                hashed.update(chunk)
                file.write(chunk)
            _check(artifact, hashed.hexdigest())
        return partial.replace(target)

    def _chunks(self, artifact: Artifact) -> Iterator[bytes]:
        try:
            with self._store.open(blob_key(artifact.digest)) as file:
                yield from _read(artifact, file)
        except FileNotFoundError as error:
            raise _gone(artifact) from error

    def _digest_of(self, path: Path, artifact: Artifact) -> str:
        try:
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise _unreadable(artifact, error) from error

    def directory(self) -> Path:
        """Where files are put that were fetched from the store; it goes with :meth:`close`, or when the process ends.

        Not with this object: who loads a file from ``pipeline.run()["step"].output`` has just its path.
        """
        with self._lock:
            if self._scratch is None or self._fetched_files is None:
                from plugbay.store.fetched import FetchedDirectory  # few processes fetch files

                self._fetched_files = FetchedDirectory()
                lasting = sys.modules[__name__]
                self._scratch = weakref.finalize(lasting, self._fetched_files.remove)
            return self._fetched_files.path

    def close(self) -> None:
        """Remove what was fetched."""
        with self._lock:
            if self._scratch is not None:
                self._scratch()
                self._scratch = None


def collection(name: str, kind: str, items: tuple[Artifact, ...]) -> Artifact:
    """An artifact made of others: a ``list`` or a ``directory``."""
    digest = _digest_of_items(items)
    size = sum(item.size for item in items)
    return Artifact(name=name, digest=digest, size=size, serializer=kind, type=f"builtins:{kind}", items=items)


def digest_of_path(path: Path) -> str:
    """The digest that a file or a directory has as an artifact, without saving it."""
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    parts = [
        (file.relative_to(path).as_posix(), digest_of_path(file), file.name) for file in _files_below(path, "source")
    ]
    items = [[relative, digest, FILE.name, "pathlib:Path", filename] for relative, digest, filename in parts]
    return hashlib.sha256(canonical(items)).hexdigest()


def _digest_of_items(items: tuple[Artifact, ...]) -> str:
    return hashlib.sha256(canonical([[item.name, *identity(item)] for item in items])).hexdigest()


def identity(artifact: Artifact) -> list[object]:
    """What tells the value of an artifact from any other: its bytes, how they are read, and the name a file has."""
    return [artifact.digest, artifact.serializer, artifact.type, artifact.metadata.get("filename")]


def _files_below(directory: Path, output: str) -> Iterator[Path]:
    """Yield the files of a directory in order. Raises :class:`OutputError` for what cannot be kept."""
    for entry in sorted(directory.rglob("*")):
        if entry.is_file():
            yield entry
        elif entry.is_symlink() or not entry.is_dir():
            msg = (
                f"output {output!r}: {entry} is neither a file nor a directory (or a link to one), so it cannot be kept"
            )
            raise OutputError(msg)


def blobs_of(artifact: Artifact) -> Iterator[str]:
    """Yield the digests of all the blobs that an artifact needs."""
    if artifact.items is not None:
        for item in artifact.items:
            yield from blobs_of(item)
    elif artifact.inline is None:
        yield artifact.digest


def _check(artifact: Artifact, digest: str) -> None:
    if digest != artifact.digest:
        msg = (
            f"artifact {artifact.name!r} (blob {artifact.digest}) is damaged: its bytes have the digest {digest}; "
            "delete the blob and run the step again"
        )
        raise CorruptArtifactError(msg)


def _read(artifact: Artifact, file: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            chunk = file.read(_CHUNK)
        except OSError as error:
            raise _unreadable(artifact, error) from error
        if not chunk:
            return
        yield chunk


def _unreadable(artifact: Artifact, error: OSError) -> StoreError:
    return _gone(artifact) if isinstance(error, FileNotFoundError) else _failed(artifact, error)


def _failed(artifact: Artifact, error: OSError) -> StoreError:
    where = f" ({error.filename})" if error.filename else ""
    msg = f"the bytes of artifact {artifact.name!r} (blob {artifact.digest}) cannot be read: {error.strerror or error}{where}"
    return StoreError(msg)


def _gone(artifact: Artifact) -> StoreError:
    msg = f"the bytes of artifact {artifact.name!r} (blob {artifact.digest}) are gone from the artifact store; run the step again"
    return StoreError(msg)
